//! A run that is cut into shards and merged is the run again.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Joiner, MergeError, Part, Place, Shards};
use crate::base::{Nanos, Seed};
use crate::config::RunPlan;
use crate::document::v1::{
    LevelDocument, MetricDocument, RoundParts, RowDocument, RunDocument, RunParts, ShardDocument, histogram,
    sample,
};
use crate::metrics::{Window, summarize};
use crate::record::{Ask, Chunk, Failure, FailureClass, Outcome, Phase, Row, TokenSource, Usage};
use crate::validity::Finding;

const ORIGIN: &str = "2026-01-02T03:04:04.123456Z";
/// Levels begin a second after the first clock, so that every shard's clock may start later than the first one's.
const WINDOW: Window = Window { start: Nanos(1_000_000_000), end: Nanos(11_000_000_000) };

/// What one client measured, and its file of requests.
#[derive(Debug, Clone)]
struct Client {
    document: RunDocument,
    lines: Vec<String>,
}

/// The client whose clock began `late` microseconds after the first one's sends these rows.
fn client(plan: &RunPlan, rows: &[Row], late: u64, shard: Option<(u32, u32)>) -> Client {
    let rows: Vec<Row> = rows.iter().map(|row| earlier(row, Nanos(late * 1_000))).collect();
    let window = Window { start: WINDOW.start - Nanos(late * 1_000), end: WINDOW.end - Nanos(late * 1_000) };
    let label = plan.levels[0].label();
    let summary = summarize(&rows, window, &plan.slos, true);
    let origin: Timestamp = ORIGIN.parse().unwrap();
    let origin = origin + SignedDuration::from_micros(late.cast_signed());
    let findings = vec![Finding { code: format!("own_{late}"), ..sample::finding() }];
    let rounds = [RoundParts { round: 1, seed: Seed(7), levels: vec![(label.clone(), &summary)] }];
    let mut document = RunDocument::new(RunParts {
        tool: "0.1.0",
        created: "2026-01-02T03:04:05Z",
        clock_origin: &origin.to_string(),
        partial: false,
        plan,
        workload_hash: "abc123",
        environment: &sample::environment(),
        rounds: &rounds,
        pairs: None,
        carried: 0,
        findings: &findings,
        verdict: None,
        search: None,
    });
    document.plan.shard = shard.map(|(index, count)| ShardDocument { index, count });
    let lines = rows.iter().map(|row| RowDocument::from_row(row, 1, &label).to_line()).collect();
    Client { document, lines }
}

fn earlier(row: &Row, by: Nanos) -> Row {
    Row {
        due: row.due.map(|at| at - by),
        sent: row.sent.map(|at| at - by),
        chunks: row.chunks.iter().map(|chunk| Chunk { at: chunk.at - by, ..*chunk }).collect(),
        done: row.done - by,
        ..row.clone()
    }
}

/// Request `index` goes to shard `index mod count`, and shard i's clock begins i times `late` microseconds late.
fn clients(plan: &RunPlan, rows: &[Row], count: u32, late: u64) -> Vec<Client> {
    (0..count)
        .map(|index| {
            let own: Vec<Row> =
                rows.iter().filter(|row| row.index % u64::from(count) == u64::from(index)).cloned().collect();
            client(plan, &own, u64::from(index) * late, Some((index, count)))
        })
        .collect()
}

fn parts(clients: &[Client]) -> Vec<Part> {
    let named = |(at, client): (usize, &Client)| Part {
        path: PathBuf::from(format!("{at}/result.json")),
        document: client.document.clone(),
    };
    clients.iter().enumerate().map(named).collect()
}

/// The merged document and lines.
fn merge(clients: &[Client], partial: bool) -> Result<(RunDocument, Vec<String>), MergeError> {
    let shards = Shards::new(parts(clients), partial)?;
    let mut joiner = Joiner::new(&shards);
    let files: Vec<&Client> = shards
        .paths()
        .map(|path| &clients[path.parent().unwrap().to_string_lossy().parse::<usize>().unwrap()])
        .collect();
    for (shard, client) in files.iter().enumerate() {
        for (at, line) in (0..).zip(&client.lines) {
            joiner.add(Place { shard, offset: at, length: 0 }, line).unwrap();
        }
    }
    joiner.sort()?;
    let mut lines = Vec::new();
    while let Some(place) = joiner.place(lines.len()) {
        let line = &files[place.shard].lines[usize::try_from(place.offset).unwrap()];
        lines.push(joiner.rewrite(lines.len(), line).unwrap());
    }
    Ok((joiner.finish("0.1.0"), lines))
}

/// A request in microseconds: sent, first token, gaps with their tokens, how it ends.
type Life = (u64, u64, Vec<(u64, u32)>, u8);

fn rows(lives: &[Life], tokens_known: bool) -> Vec<Row> {
    (0..).zip(lives).map(|(index, life)| row(index, life, tokens_known)).collect()
}

fn row(index: u64, (sent, ttft, gaps, end): &Life, tokens_known: bool) -> Row {
    let at = |micros: u64| WINDOW.start + Nanos(micros * 1_000);
    let (mut now, mut chunks) = (sent + ttft, Vec::new());
    for (gap, tokens) in std::iter::once(&(0, 1)).chain(gaps) {
        now += gap;
        let tokens = if tokens_known { Some(*tokens) } else { None };
        chunks.push(Chunk { at: at(now), tokens });
    }
    let output = chunks.iter().map(|chunk| chunk.tokens.unwrap_or(2)).sum();
    let outcome = match end {
        0 => Outcome::Failed(Failure::new(FailureClass::Cancelled, "cut")),
        1 => Outcome::Failed(Failure::new(FailureClass::Http429, "busy").with_status(429)),
        _ => Outcome::Success,
    };
    if *end == 0 && !tokens_known {
        // Each client guesses the tokens of requests that it cut by its own others.
        chunks.clear();
    }
    let ask = Ask { prompt_tokens: Some(10), output_tokens: Some(9), ..Ask::plain(index, String::new()) };
    let usage = Usage { prompt: Some(11), output: Some(output), cached: Some(1) };
    let success = outcome.is_success();
    Row {
        sent: (*end != 1).then_some(at(*sent)),
        chunks: if *end == 1 { Vec::new() } else { chunks },
        streamed: true,
        usage: if success { usage } else { Usage::default() },
        ..Row::unsent(&ask, Phase::Measure, Some(at(sent.saturating_sub(40))), at(now + 3), outcome)
    }
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let gaps = prop::collection::vec((0_u64..200_000, 1_u32..4), 0..6);
    prop::collection::vec((0_u64..10_500_000, 1_u64..2_000_000, gaps, 0_u8..12), 1..60)
}

fn close(got: f64, wanted: f64, scale: f64) -> bool {
    (got - wanted).abs() <= 1e-5 * scale.abs().max(1e-9)
}

fn same_level(got: &LevelDocument, wanted: &LevelDocument) -> Result<(), TestCaseError> {
    prop_assert_eq!(&got.window, &wanted.window);
    prop_assert_eq!((got.offered, got.succeeded), (wanted.offered, wanted.succeeded));
    prop_assert_eq!(&got.failures, &wanted.failures);
    prop_assert_eq!(&got.histograms, &wanted.histograms);
    prop_assert_eq!(&got.tokens, &wanted.tokens);
    prop_assert_eq!(got.reconnects, wanted.reconnects);
    prop_assert_eq!(got.values.keys().collect::<Vec<_>>(), wanted.values.keys().collect::<Vec<_>>());
    for (id, value) in &wanted.values {
        prop_assert!(close(got.values[id], *value, *value), "{}: {} {}", id, got.values[id], value);
    }
    prop_assert_eq!(got.metrics.keys().collect::<Vec<_>>(), wanted.metrics.keys().collect::<Vec<_>>());
    for (id, metric) in &wanted.metrics {
        same_metric(&got.metrics[id], metric, &wanted.histograms[id])?;
    }
    let (here, there) = (&got.concurrency, &wanted.concurrency);
    prop_assert_eq!(here.peak, there.peak);
    let (here, there) = (here.mean.unwrap(), there.mean.unwrap());
    prop_assert!(close(here, there, there), "{here} {there}");
    prop_assert_eq!(&got.steady, &wanted.steady);
    prop_assert_eq!(&got.series, &wanted.series);
    prop_assert_eq!(&got.points, &wanted.points);
    if let (Some(here), Some(there)) = (&got.goodput, &wanted.goodput) {
        prop_assert_eq!((here.good, here.offered, here.ratio), (there.good, there.offered, there.ratio));
        prop_assert_eq!(&here.objectives, &there.objectives);
        prop_assert!(close(here.rate, there.rate, there.rate));
        prop_assert!(close(here.token_rate, there.token_rate, there.token_rate));
    }
    prop_assert_eq!(got.goodput.is_some(), wanted.goodput.is_some());
    Ok(())
}

fn same_metric(got: &MetricDocument, wanted: &MetricDocument, text: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!((got.n, got.min, got.max), (wanted.n, wanted.min, wanted.max));
    let (here, mean) = (got.mean.unwrap(), wanted.mean.unwrap());
    prop_assert!(close(here, mean, mean), "{here} {mean}");
    prop_assert_eq!(got.sd.is_some(), wanted.sd.is_some());
    if let (Some(here), Some(there)) = (got.sd, wanted.sd) {
        prop_assert!(close(here, there, there.max(mean)), "{here} {there}");
    }
    let histogram = histogram::decode(text).unwrap();
    for (q, value) in [(0.5, got.p50), (0.9, got.p90), (0.95, got.p95), (0.99, got.p99)] {
        let exact = histogram.value_at_quantile(q) as f64 / 1e3;
        prop_assert!(close(value.unwrap(), exact, exact), "{value:?} {exact}");
    }
    prop_assert_eq!(&got.thin, &wanted.thin);
    Ok(())
}

fn plan() -> RunPlan {
    RunPlan { levels: vec![sample::open_level()], ..sample::plan() }
}

proptest! {
    // Each case writes and reads some fifty histograms.
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn shards_merged_are_the_unsharded_run(
        lives in lives(),
        count in 1_u32..6,
        late in 0_u64..200_000,
        known in any::<bool>(),
    ) {
        let rows = rows(&lives, known);
        let whole = client(&plan(), &rows, 0, None);
        let mut clients = clients(&plan(), &rows, count, late);
        let (merged, lines) = merge(&clients, false).unwrap();

        same_level(&merged.rounds[0].levels[0], &whole.document.rounds[0].levels[0])?;
        prop_assert_eq!((&merged.clock_origin, &merged.plan), (&whole.document.clock_origin, &whole.document.plan));
        let mut sorted = whole.lines;
        let row = |line: &String| serde_json::from_str::<RowDocument>(line).unwrap();
        let at = |row: RowDocument| (row.sent_ms.or(row.due_ms).map(|ms| (ms * 1e3).round() as u64), row.index);
        sorted.sort_by_key(|line| at(row(line)));
        prop_assert_eq!(&lines, &sorted);

        clients.reverse();
        prop_assert_eq!(merge(&clients, false).unwrap(), (merged, lines));
    }

    #[test]
    fn a_row_comes_back_from_its_line(lives in lives(), known in any::<bool>(), late in 0_u64..900_000) {
        for row in rows(&lives, known) {
            let document = RowDocument::from_row(&row, 1, "c=1");
            let back = document.row().unwrap();
            prop_assert_eq!(RowDocument::from_row(&back, 1, "c=1"), document.clone());
            let moved = RowDocument::from_row(&earlier(&row, Nanos(late * 1_000)), 1, "c=1");
            prop_assert_eq!(moved.moved(Nanos(late * 1_000)), document);
        }
    }
}

fn three() -> Vec<Client> {
    let lives: Vec<Life> = (0..30).map(|at| (at * 100_000, 50_000, vec![(10_000, 1); 3], 9)).collect();
    clients(&plan(), &rows(&lives, true), 3, 20_000)
}

fn refusal(clients: &[Client], partial: bool) -> String {
    let error = merge(clients, partial).unwrap_err();
    format!("{error} (hint: {})", error.hint())
}

#[test]
fn what_is_not_one_run_is_refused() {
    let [a, b, c] = three().try_into().unwrap();
    let trio = |change: fn(&mut RunDocument)| {
        let mut c = c.clone();
        change(&mut c.document);
        refusal(&[a.clone(), b.clone(), c], false)
    };
    insta::assert_snapshot!(refusal(&[], false), @"there is no shard to merge (hint: give the result.json of every shard, as `llm-loadtest run --shard 0/4` and its siblings wrote them)");
    insta::assert_snapshot!(refusal(&[a.clone(), b.clone()], false), @"of the shards 0/3 to 2/3, 2/3 is missing (hint: add what is missing, or merge what there is with --partial, which marks the result partial)");
    insta::assert_snapshot!(refusal(std::slice::from_ref(&b), false), @"of the shards 0/3 to 2/3, 0/3 and 2/3 are missing (hint: add what is missing, or merge what there is with --partial, which marks the result partial)");
    insta::assert_snapshot!(refusal(&[a.clone(), b.clone(), b.clone(), c.clone()], true), @"shard 1/3 was given twice: 1/result.json and 2/result.json (hint: give each shard once; if the files are of two runs, merge each run on its own)");
    insta::assert_snapshot!(trio(|run| run.plan.shard = None), @"2/result.json is no shard: it holds a whole run, or shards that were merged already (hint: give the result.json of every shard, as `llm-loadtest run --shard 0/4` and its siblings wrote them)");
    insta::assert_snapshot!(trio(|run| run.plan.seed = 3), @"0/result.json and 2/result.json are not shards of one run: the seed is '18446744073709551615' and '3' (hint: give the shards of one run, which differ in --shard and nothing else)");
    insta::assert_snapshot!(trio(|run| run.rounds[0].levels[0].label = "rate=9".to_owned()), @"0/result.json and 2/result.json are not shards of one run: the levels are rate=8 in round 1 (seed 7) and rate=9 in round 1 (seed 7) (hint: give the shards of one run, which differ in --shard and nothing else)");
    insta::assert_snapshot!(trio(|run| run.partial = true), @"shard 2/3 was interrupted: 2/result.json (hint: run again to the end, or merge what there is with --partial, which marks the result partial)");
    insta::assert_snapshot!(trio(|run| run.clock_origin = None), @"2/result.json: it does not say when its clock began, so its instants cannot be laid beside others' (hint: copy the file again from where it was written, or run that shard again)");
    insta::assert_snapshot!(trio(|run| run.clock_origin = Some("noon".to_owned())), @"2/result.json: clock_origin 'noon': failed to parse four digit integer as year: invalid digit, expected 0-9 but got n (hint: copy the file again from where it was written, or run that shard again)");
    insta::assert_snapshot!(trio(|run| run.plan.shard = Some(ShardDocument { index: 3, count: 3 })), @"2/result.json: there is no shard 3/3; shards count from 0, and there are at most 65536 (hint: copy the file again from where it was written, or run that shard again)");
    insta::assert_snapshot!(trio(|run| {
        let histograms = &mut run.rounds[0].levels[0].histograms;
        histograms.insert("ttft".to_owned(), "AAAA".to_owned());
    }), @"2/result.json: round 1, level rate=8: histogram of ttft: An i/o operation failed: failed to fill whole buffer (hint: copy the file again from where it was written, or run that shard again)");
    insta::assert_snapshot!(trio(|run| run.rounds[0].levels[0].metrics.get_mut("e2e").unwrap().n = Some(11)), @"2/result.json: round 1, level rate=8: histogram of e2e: it holds 10 samples of 11 (hint: copy the file again from where it was written, or run that shard again)");
    insta::assert_snapshot!(trio(|run| run.rounds[0].levels[0].offered = u64::MAX), @"2/result.json: round 1, level rate=8: 18446744073709551615 is no count of requests or tokens (hint: copy the file again from where it was written, or run that shard again)");

    let (merged, _) = merge(&[a.clone(), b.clone(), c.clone()], false).unwrap();
    let again = Client { document: merged, lines: Vec::new() };
    insta::assert_snapshot!(refusal(&[again], true), @"0/result.json is no shard: it holds a whole run, or shards that were merged already (hint: give the result.json of every shard, as `llm-loadtest run --shard 0/4` and its siblings wrote them)");
    let twice = Client { lines: a.lines.clone(), ..b };
    insta::assert_snapshot!(refusal(&[a, twice, c], false), @"request 0 of level rate=8, round 1, is in shard 0/3 and in shard 1/3 (hint: run all shards again with one version of llm-loadtest: they must be cut from one schedule)");
}

#[test]
fn what_is_missing_may_be_left_out_and_is_said() {
    let [mut a, b, mut c] = three().try_into().unwrap();
    c.lines.clear();
    let (merged, lines) = merge(&[b.clone(), c], true).unwrap();
    assert!(merged.partial);
    assert_eq!((merged.levels[0].offered, lines.len()), (20, 10));
    assert_eq!(merged.rounds[0].levels[0].steady, None);
    insta::assert_snapshot!(words(&merged), @"
    info merged: merged from 2 of 3 shards, whose levels began within 0 ms of each other
    invalid shards: the load is not the one that was asked for: shard 0/3 is missing
    warning requests_file: the files of requests hold 0 of shard 2/3's 10 requests, so steady state and course are not known and the peak is the sum of the shards' peaks
    warning own_20000: shard 1/3: 2% of answers were shorter than asked
    warning own_40000: shard 2/3: 2% of answers were shorter than asked
    info thin_percentiles: 20 requests are few for p90 (needs 64), p95 (needs 130), p99 (needs 662)
    ");

    // Interrupted before its first level.
    (a.document.partial, a.lines) = (true, Vec::new());
    a.document.rounds.clear();
    let (merged, _) = merge(&[a, b], true).unwrap();
    assert_eq!((merged.partial, merged.levels[0].offered), (true, 10));
    let said = words(&merged);
    let said: Vec<&str> = said.lines().filter(|line| line.contains("invalid")).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    invalid shards: the load is not the one that was asked for: shard 2/3 is missing, 0/3 was interrupted
    invalid shards: shard 0/3 did not come to this level
    ");
}

#[test]
fn clocks_that_disagree_are_said() {
    let rows: Vec<Row> = rows(&[(0, 50_000, vec![], 9), (1, 50_000, vec![], 9)], true);
    let starts = |later: f64| {
        let mut clients = clients(&plan(), &rows, 2, 0);
        let window = &mut clients[1].document.rounds[0].levels[0].window;
        (window.start_s, window.end_s) = (window.start_s + later, window.end_s + later);
        let (merged, _) = merge(&clients, false).unwrap();
        words(&merged).lines().filter(|line| line.contains("shard_start")).collect::<String>()
    };
    assert_eq!(starts(0.099), "");
    insta::assert_snapshot!(starts(0.25), @"warning shard_start: the shards began 250 ms apart by their clocks, 2.4 % of the window");
    insta::assert_snapshot!(starts(10.5), @"invalid shard_start: the shards did not run at the same time: the last began 10.500 s after the first");
}

#[test]
fn shards_of_a_duration_were_measured_for_that_duration() {
    let mut clients = three();
    for client in &mut clients {
        client.document.plan.workload.levels[0].duration_s = Some(10.0);
        client.document.rounds[0].levels[0].window.start_s += 0.05;
    }
    clients[0].document.rounds[0].levels[0].window.start_s -= 0.05;
    // Its last request ended before the others'; its numbers are rates over its own time.
    let early = &mut clients[2].document.rounds[0].levels[0];
    early.window.measured_s = 8.0;
    *early.values.get_mut("request_throughput").unwrap() = 10.0 / 8.0;
    let (merged, _) = merge(&clients, false).unwrap();
    let level = &merged.rounds[0].levels[0];
    assert_eq!((level.window.start_s, level.window.end_s, level.window.measured_s), (1.0, 11.0, 10.0));
    assert!((level.values["request_throughput"] - 3.0).abs() < 1e-9);
}

#[test]
fn one_saturated_client_makes_the_result_invalid_and_other_places_are_named() {
    let mut clients = three();
    let finding = &mut clients[1].document.findings[0];
    (finding.severity, finding.code) = ("invalid".to_owned(), "client_lag".to_owned());
    clients[2].document.environment.server = Some("vllm 0.8".to_owned());
    clients[2].document.environment.cpu_cores = 4;
    let (merged, _) = merge(&clients, false).unwrap();
    insta::assert_snapshot!(words(&merged), @"
    info merged: merged from 3 of 3 shards, whose levels began within 0 ms of each other
    warning shard_environment: the server is not the same for all shards: 'vllm 0.8' (2/3), 'vllm 0.9' (0/3, 1/3)
    info shard_environment: the client's CPU is not the same for all shards: '16 × EPYC 9004' (0/3, 1/3), '4 × EPYC 9004' (2/3)
    warning own_0: shard 0/3: 2% of answers were shorter than asked
    invalid client_lag: shard 1/3: 2% of answers were shorter than asked
    warning own_40000: shard 2/3: 2% of answers were shorter than asked
    info thin_percentiles: 30 requests are few for p90 (needs 64), p95 (needs 130), p99 (needs 662)
    ");
}

fn words(run: &RunDocument) -> String {
    run.findings
        .iter()
        .map(|finding| format!("{} {}: {}", finding.severity, finding.code, finding.message))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_source_of_tokens_is_read_back() {
    let mut row = row(0, &(0, 1, vec![(1, 1)], 9), false);
    for source in TokenSource::ALL {
        row.usage.output = (source == TokenSource::Usage).then_some(5);
        row.tokenizer_count = (source == TokenSource::Tokenizer).then_some(6);
        let back = RowDocument::from_row(&row, 1, "c=1").row().unwrap();
        assert_eq!(back.output_tokens(), row.output_tokens());
    }
    let mut document = RowDocument::from_row(&row, 1, "c=1");
    document.outcome = "melted".to_owned();
    assert_eq!(document.row(), Err("the outcome 'melted' is not known".to_owned()));
}
