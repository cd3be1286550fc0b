//! Whole gates through the binary, over real sockets: two simulated servers, 400 requests a round.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use llm_loadtest::gate::Decision;

use crate::count::{Promises, Tally};
use crate::gates::Played;
use crate::options::Options;
use crate::table::{head, line};

const SERVER: &str = "sim:h100-70b";
/// A world's name, its server, how often it is played, and the verdict it should have.
const WORLDS: [(&str, &str, u64, Decision); 4] = [
    ("none", "", 30, Decision::Pass),
    ("TTFT +30 %", "?ttft=+30%", 10, Decision::Fail),
    ("TPOT +15 %", "?itl=+15%", 10, Decision::Fail),
    ("goodput −5 points (5 % of the requests fail)", "?errors=5%", 10, Decision::Fail),
];

/// Rounds of about a second: 400 requests of 16 tokens in and 8 out, 64 clients.
const LOAD: &str =
    "--num-prompts 400 --concurrency 64 --input-len 16 --output-len 8 --goodput e2e:400 --strict --quiet";

pub(crate) fn main(options: Options, promises: &mut Promises) {
    head(
        "Whole gates over real sockets, 400 requests a round",
        &["true change", "gates", "pass", "fail", "undecided", "invalid", "pairs, mean", "seconds a gate"],
    );
    for (world, (name, query, gates, wanted)) in WORLDS.into_iter().enumerate() {
        let gates = options.times(gates, gates);
        let began = Instant::now();
        let seed = options.seed.child("sockets").at(world as u64);
        let tally: Tally = (0..gates).map(|gate| play(query, seed.at(gate).0 >> 12)).collect();
        let seconds = began.elapsed().as_secs_f64() / gates as f64;
        line([
            name.to_owned(),
            gates.to_string(),
            tally.pass.to_string(),
            tally.fail.to_string(),
            tally.undecided.to_string(),
            tally.invalid.to_string(),
            format!("{:.1}", tally.mean_rounds()),
            format!("{seconds:.0}"),
        ]);
        match wanted {
            Decision::Fail => promises.at_least(&format!("sockets, {name}, fails"), tally.fails(), 90.0),
            _ => promises.at_most(&format!("sockets, {name}, fails"), tally.fails(), 5.0),
        }
    }
}

/// One gate in a folder of its own.
fn play(query: &str, seed: u64) -> Played {
    let folder = tempfile::tempdir().expect("a folder");
    let server = format!("{SERVER}{query}");
    let seed = seed.to_string();
    let status = Command::new(env!("CARGO_BIN_EXE_llm-loadtest"))
        .args(["gate", "--baseline-server", SERVER, "--server", &server, "--seed", &seed])
        .args(LOAD.split(' '))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the binary runs");
    let (decision, rounds) = read(&folder.path().join("llm-loadtest-results/result.json"));
    let code = match decision {
        Decision::Pass => 0,
        Decision::Fail => 1,
        Decision::Inconclusive | Decision::Invalid => 4,
    };
    assert_eq!(status.code(), Some(code), "the exit code says something else than the result");
    Played { decision, rounds }
}

/// The verdict of a result, and the pairs that it took.
fn read(result: &Path) -> (Decision, usize) {
    let text = std::fs::read_to_string(result).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let verdict = &result["verdict"];
    let decision = match verdict["decision"].as_str() {
        Some("pass") => Decision::Pass,
        Some("fail") => Decision::Fail,
        Some("inconclusive") => Decision::Inconclusive,
        other => {
            assert_eq!(other, Some("invalid"), "a decision");
            Decision::Invalid
        }
    };
    (decision, verdict["rounds"].as_u64().expect("rounds") as usize)
}
