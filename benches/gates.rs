//! Whole gates against the pure simulator model: no sockets, no waiting, thousands of rounds in a minute.
//!
//! `cargo bench --bench gates` stores eight sessions, then judges candidates against them, 200 times: the same server, one
//! with its TTFT 50 % slower, one a point below the tolerance, and one just at it. It prints the counts with their 95 % bounds and fails
//! where they break the promise. `GATES=1000 SEED=7` choose other numbers.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot set its stage should stop there, and is told what to do by the environment"
)]

use std::collections::BTreeMap;

use llm_loadtest::base::{Nanos, Seed};
use llm_loadtest::config::{Entry, GatePolicy, Layers, Origin, Purpose, resolve};
use llm_loadtest::gate::{Against, Decision, Evidence, LevelEvidence, RoundValues, SessionRounds, decide};
use llm_loadtest::metrics::{Summary, Window, summarize};
use llm_loadtest::record::{Ask, Chunk, Outcome, Phase, Row, Usage};
use llm_loadtest::simulator::model::{Model, SimAsk, SimSpec, Ticket, What};
use llm_loadtest::stats::clopper_pearson;

const SESSIONS: u64 = 8;
const ROUNDS: u64 = 5;
const CLIENTS: u64 = 32;
const REQUESTS: u64 = 448;
const INPUT: u32 = 256;
const OUTPUT: u32 = 32;

const CANDIDATES: [(&str, &str); 4] = [
    ("the same server", ""),
    ("TTFT +50 %", "?ttft=+50%"),
    ("TTFT +14 % (tolerance 15 %)", "?ttft=+14%"),
    ("TTFT +15 %, at its tolerance", "?ttft=+15%"),
];

fn main() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (gates, seed) = (number("GATES", 200), Seed(number("SEED", 1)));
    println!(
        "{gates} gates of {ROUNDS} rounds against {SESSIONS} stored sessions, {REQUESTS} requests a round, seed {}",
        seed.0
    );
    let counts = play(gates, seed);
    println!(
        "{:<28} {:>5} {:>5} {:>13} {:>8}  fail rate, 95 % bounds",
        "candidate", "pass", "fail", "inconclusive", "invalid"
    );
    for ((name, _), [pass, fail, undecided, invalid]) in CANDIDATES.iter().zip(counts) {
        let (low, high) = clopper_pearson(fail, gates, 0.025);
        println!(
            "{name:<28} {pass:>5} {fail:>5} {undecided:>13} {invalid:>8}  {:.1} % ({:.1} … {:.1})",
            100.0 * fail as f64 / gates as f64,
            100.0 * low,
            100.0 * high
        );
    }
    let share = |kind: usize| counts[kind][1] as f64 / gates as f64;
    assert!(share(0) <= 0.05, "the same server failed too often");
    assert!(share(1) >= 0.90, "a 50 % slower TTFT was missed too often");
    assert!(share(2) <= 0.05, "a change within tolerance failed too often");
    // At the tolerance itself both errors have their 5 %; a run of 200 scatters around it.
    assert!(
        clopper_pearson(counts[3][1], gates, 0.025).0 <= 0.05,
        "a change at its tolerance failed too often"
    );
    assert!(
        clopper_pearson(counts[3][0], gates, 0.025).0 <= 0.05,
        "a change at its tolerance passed too often"
    );
}

/// Verdicts per candidate: pass, fail, inconclusive, invalid.
fn play(gates: u64, seed: Seed) -> [[u64; 4]; CANDIDATES.len()] {
    let policy = policy();
    let mut counts = [[0_u64; 4]; CANDIDATES.len()];
    for gate in 0..gates {
        let sessions = stored(seed.at(gate));
        for (kind, (_, query)) in CANDIDATES.iter().enumerate() {
            let candidate = session(query, seed.at(gate).child("candidate"));
            let level = LevelEvidence {
                label: format!("c={CLIENTS}"),
                candidate,
                against: Against::Sessions(sessions.clone()),
            };
            let evidence = Evidence { levels: vec![level] };
            counts[kind][column(decide(&evidence, &policy, &[]).decision)] += 1;
        }
    }
    counts
}

fn column(decision: Decision) -> usize {
    match decision {
        Decision::Pass => 0,
        Decision::Fail => 1,
        Decision::Inconclusive => 2,
        Decision::Invalid => 3,
    }
}

/// The policy that `gate` has when nothing is said.
fn policy() -> GatePolicy {
    let layers = Layers {
        purpose: Purpose::Gate,
        flags: vec![Entry::new("server", "sim:h100-8b", Origin::Default)],
        environment: BTreeMap::new(),
        env_file: None,
        files: Vec::new(),
    };
    resolve(layers).expect("the defaults are a plan").plan.gate
}

fn stored(seed: Seed) -> Vec<SessionRounds> {
    (0..SESSIONS).map(|day| SessionRounds { rounds: session("", seed.child("stored").at(day)) }).collect()
}

/// The rounds of one day: its own session shock, a fresh start of the server for every round.
fn session(query: &str, seed: Seed) -> Vec<RoundValues> {
    let spec = SimSpec::parse(&format!("h100-8b{query}")).expect("a known profile").with_session(seed.0);
    (0..ROUNDS).map(|start| RoundValues::read(&round(&spec, start))).collect()
}

/// One closed-loop window in the model's own time.
fn round(spec: &SimSpec, start: u64) -> Summary {
    let mut model = Model::new(spec, start);
    let began = Nanos(1_000);
    let mut rows: Vec<Row> = Vec::new();
    let mut open: BTreeMap<Ticket, usize> = BTreeMap::new();
    for _ in 0..CLIENTS {
        submit(&mut model, began, &mut rows, &mut open);
    }
    while let Some(at) = model.next_event() {
        for emission in model.advance(at) {
            let Some(&index) = open.get(&emission.id) else {
                continue;
            };
            if let What::Token { .. } = emission.what {
                rows[index].chunks.push(Chunk { at: emission.at, tokens: Some(1) });
                continue;
            }
            open.remove(&emission.id);
            rows[index].done = emission.at;
            if (rows.len() as u64) < REQUESTS {
                submit(&mut model, emission.at, &mut rows, &mut open);
            }
        }
    }
    let end = rows.iter().map(|row| row.done).max().unwrap_or(began);
    summarize(&rows, Window { start: began, end }, &[], false)
}

fn submit(model: &mut Model, now: Nanos, rows: &mut Vec<Row>, open: &mut BTreeMap<Ticket, usize>) {
    let ask = SimAsk { prompt_tokens: INPUT, max_tokens: OUTPUT, prefix_blocks: Vec::new() };
    let ticket = model.submit(now, ask).expect("a plain request fits");
    let ask = Ask {
        prompt_tokens: Some(INPUT),
        output_tokens: Some(OUTPUT),
        ..Ask::plain(rows.len() as u64, String::new())
    };
    let mut row = Row::unsent(&ask, Phase::Measure, None, now, Outcome::Success);
    row.sent = Some(now);
    row.streamed = true;
    row.usage = Usage { prompt: Some(INPUT), output: Some(OUTPUT), cached: None };
    open.insert(ticket, rows.len());
    rows.push(row);
}
