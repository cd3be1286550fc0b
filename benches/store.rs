//! A database with years in it: how long a page, one benchmark and a chart take.
//!
//! `cargo bench --bench store` keeps 10,000 benchmarks, of which ten have 100,000 rows of 128 chunks each, and prints medians and
//! worst cases; a number as argument divides all of it, a URL is the database instead of a file. Undivided, it fails where a page
//! or a benchmark takes longer than 100 ms, or a chart longer than a second.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and ends where its stage cannot be set"
)]

use std::collections::BTreeMap;
use std::io::Write as _;

use llm_loadtest::document::v1::service::{
    BenchmarkAsk, BenchmarkDocument, BriefDocument, BriefLevel, OriginDocument, PurposeDocument,
    StateDocument,
};
use llm_loadtest::host::RealClock;
use llm_loadtest::store::{Database, Kept, Place, PointsAsk, Sort, Wanted};

const BENCHMARKS: u64 = 10_000;
const WITH_ROWS: u64 = 10;
const ROWS: u64 = 100_000;
const CHUNKS: u64 = 128;
const REPEATS: usize = 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let divisor = words.iter().find_map(|word| word.parse::<u64>().ok()).unwrap_or(1);
    let folder = tempfile::tempdir().expect("a folder for the database");
    let file = format!("sqlite:{}", folder.path().join("history.db").display());
    let url = words.iter().find(|word| word.contains("://")).cloned().unwrap_or(file);
    let place = Place { url, objects: folder.path().join("objects").display().to_string() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let worst = runtime.block_on(async {
        let database = Database::open(&place).await.expect("a database");
        fill(&database, folder.path(), divisor).await;
        ask(&database).await
    });
    let limits = BTreeMap::from([("a page", 100.0), ("a benchmark", 100.0), ("a chart", 1000.0)]);
    for (what, limit) in limits.into_iter().filter(|_| divisor == 1) {
        assert!(worst[what] <= limit, "{what} took {:.1} ms, more than {limit} ms", worst[what]);
    }
}

async fn fill(database: &Database, folder: &std::path::Path, divisor: u64) {
    let clock = RealClock::start();
    for index in 0..BENCHMARKS / divisor {
        database.insert(&kept(index)).await.expect("an insert");
    }
    println!("{} benchmarks written in {:.1} s", BENCHMARKS / divisor, clock.now().secs());
    let path = folder.join("requests.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    for index in 0..ROWS / divisor {
        file.write_all(line(index).as_bytes()).expect("a line");
    }
    file.flush().expect("a file");
    drop(file);
    let clock = RealClock::start();
    for index in 0..WITH_ROWS {
        let rows = database.put_rows(&id(index * 7), &path).await.expect("rows");
        assert_eq!(rows, ROWS / divisor);
    }
    println!("{} rows packed in {:.1} s", WITH_ROWS * ROWS / divisor, clock.now().secs());
}

/// The worst time of each question, in milliseconds.
async fn ask(database: &Database) -> BTreeMap<&'static str, f64> {
    let mut worst: BTreeMap<&'static str, f64> = BTreeMap::new();
    let mut note = |what: &'static str, detail: &str, mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let most = times.last().copied().unwrap_or(0.0);
        println!("{what}, {detail}: median {:.1} ms, worst {most:.1} ms", times[times.len() / 2]);
        let known = worst.entry(what).or_default();
        *known = known.max(most);
    };
    let wanted = |change: fn(&mut Wanted)| {
        let mut wanted = Wanted { descending: true, limit: 50, ..Wanted::default() };
        change(&mut wanted);
        wanted
    };
    let pages = [
        ("newest first", wanted(|_| ())),
        ("by title", wanted(|wanted| wanted.sort = Sort::Title)),
        ("failed ones", wanted(|wanted| wanted.states = vec![StateDocument::Failed])),
        ("of one model", wanted(|wanted| wanted.model = Some("org/model-3b".to_owned()))),
        ("by a part of the title", wanted(|wanted| wanted.text = Some("night 77".to_owned()))),
        ("by a part that none has", wanted(|wanted| wanted.text = Some("none has this".to_owned()))),
    ];
    for (detail, mut wanted) in pages {
        let mut times = Vec::new();
        for _ in 0..REPEATS {
            let clock = RealClock::start();
            let page = database.list(&wanted).await.expect("a page");
            times.push(clock.now().ms());
            wanted.after = page.next;
        }
        note("a page", detail, times);
    }
    let mut times = Vec::new();
    for index in 0..REPEATS as u64 {
        let clock = RealClock::start();
        database.find(&id(index * 7)).await.expect("a benchmark");
        times.push(clock.now().ms());
    }
    note("a benchmark", "by id", times);
    for (detail, to_s) in [("all of a level", None), ("a tenth of its time", Some(10.0))] {
        let asked = PointsAsk { level: "c=32".to_owned(), from_s: None, to_s, max: 5000 };
        let mut times = Vec::new();
        for index in 0..WITH_ROWS {
            let clock = RealClock::start();
            database.points(&id(index * 7), &asked).await.expect("points").expect("rows");
            times.push(clock.now().ms());
        }
        note("a chart", detail, times);
    }
    let mut times = Vec::new();
    for index in 0..WITH_ROWS {
        let clock = RealClock::start();
        database.row(&id(index * 7), index * 97).await.expect("a row").expect("a row");
        times.push(clock.now().ms());
    }
    note("a row", "by its number", times);
    worst
}

fn id(index: u64) -> String {
    format!("b{index:06}")
}

fn kept(index: u64) -> Kept {
    let state = if index % 20 == 7 { StateDocument::Failed } else { StateDocument::Finished };
    let created = format!(
        "2026-{:02}-{:02}T{:02}:{:02}:00.000Z",
        1 + index / 1000 % 12,
        1 + index / 40 % 28,
        index / 60 % 24,
        index % 60
    );
    let level = |level: u64| BriefLevel {
        label: format!("c={level}"),
        values: ["ttft_p50", "ttft_p95", "tpot_p50", "tpot_p95", "e2e_p50", "e2e_p95", "output_throughput"]
            .map(|name| (name.to_owned(), 12.5 + index as f64))
            .into(),
        spark: (0..40).map(f64::from).collect(),
    };
    let benchmark = BenchmarkDocument {
        id: id(index),
        state,
        origin: OriginDocument::Api,
        purpose: PurposeDocument::Gate,
        title: format!("Night {index}"),
        target: "http://localhost:8000".to_owned(),
        model: Some(format!("org/model-{}b", index % 7)),
        hardware: Some(format!("h100x{}", index % 3)),
        workload: Some("chat".to_owned()),
        workload_hash: Some(format!("{:08x}", index % 5)),
        commit: Some(format!("{index:040x}")),
        created: created.clone(),
        started: Some(created.clone()),
        ended: Some(created),
        ahead: None,
        verdict: Some("pass".to_owned()),
        partial: false,
        failure: None,
        command: "llm-loadtest gate --server http://localhost:8000".to_owned(),
        brief: Some(BriefDocument {
            offered: 100_000,
            failed: 12,
            rounds: 5,
            levels: [8, 16, 32, 64].map(level).into(),
            findings: BTreeMap::new(),
        }),
        rows: None,
    };
    Kept { benchmark, ask: BenchmarkAsk::default() }
}

/// As `requests.jsonl` has it: a request each millisecond, a token each ten or so.
fn line(index: u64) -> String {
    let wobble = index.wrapping_mul(2_654_435_761) % 1000;
    let ttft = 20.0 + wobble as f64 / 10.0;
    let chunks: Vec<String> = (0..CHUNKS)
        .map(|chunk| {
            format!("{:.3}", ttft + chunk as f64 * 10.0 + ((index * 31 + chunk * 17) % 997) as f64 / 1000.0)
        })
        .collect();
    let last = chunks.last().cloned().unwrap_or_default();
    format!(
        "{{\"index\":{index},\"round\":1,\"level\":\"c=32\",\"phase\":\"measure\",\"due_ms\":null,\"sent_ms\":{index}.5,\
         \"ttft_ms\":{ttft:.3},\"e2e_ms\":{last},\"done_ms\":{}.0,\"chunk_ms\":[{}],\"tokens\":{{\"prompt_asked\":512,\
         \"prompt\":512,\"cached\":null,\"output_asked\":128,\"output\":128,\"source\":\"usage\"}},\"finish_reason\":\"length\",\
         \"outcome\":\"success\",\"status\":null,\"detail\":null,\"reconnects\":0}}\n",
        index + 1400,
        chunks.join(",")
    )
}
