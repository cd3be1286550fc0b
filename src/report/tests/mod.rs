//! Every renderer over every kind of result, and over text that means harm.

mod comment;
mod forecast;
mod golden;
mod gpus;
mod history;
mod junit;
mod pairs;
mod search;
mod stories;
mod workflow;

use std::collections::BTreeMap;

use crate::document::v1::{RunDocument, sample};
use crate::gate::Decision;
use crate::report::console::{self, Style};
use crate::report::markdown::{self, MarkdownOptions};
use crate::report::{csv, json};

const PLAIN: Style = Style { color: false, width: 110 };

const HOSTILE: &str = "\u{1b}[31m\0\u{fffe} ]]> <img src=x> & \" ' | `x` @octocat #1 [a](https://e.example) 🚀\n# h\r\n<!-- --> </details>";

const DECISIONS: [Decision; 4] = [Decision::Pass, Decision::Fail, Decision::Inconclusive, Decision::Invalid];

fn options() -> MarkdownOptions {
    MarkdownOptions {
        title: "Serving gate".to_owned(),
        reproduce: Some("llm-loadtest gate --config gate.yml --seed 7".to_owned()),
        ..MarkdownOptions::default()
    }
}

fn comment(run: &RunDocument) -> String {
    markdown::render(run, &options()).replace('\u{200b}', "·")
}

/// Every text that someone else may choose, chosen badly.
fn hostile(decision: Option<Decision>) -> RunDocument {
    let mut run = decision.map_or_else(sample::run, sample::gate);
    let bad = || HOSTILE.to_owned();
    run.name = bad();
    run.fingerprint.workload = bad();
    run.fingerprint.model = bad();
    run.fingerprint.hardware = bad();
    run.environment.server = Some(bad());
    run.plan.target.url = bad();
    run.findings[0].message = bad();
    run.findings[0].hint = Some(bad());
    run.levels[0].label = bad();
    run.levels[0].failures = BTreeMap::from([(bad(), 3)]);
    if let Some(verdict) = &mut run.verdict {
        verdict.headline = bad();
        verdict.next = bad();
        verdict.broken_rules = vec![bad(), bad()];
        for cell in &mut verdict.cells {
            cell.level = bad();
            cell.status = crate::document::v1::StatusDocument::NotJudged { reason: bad() };
        }
    }
    run
}

fn everything() -> Vec<RunDocument> {
    let gates = DECISIONS.into_iter().map(sample::gate);
    let bad = DECISIONS.into_iter().map(|decision| hostile(Some(decision)));
    gates.chain(bad).chain([sample::run(), sample::search(), hostile(None)]).collect()
}

#[test]
fn a_run_on_a_terminal() {
    insta::assert_snapshot!(console::render(&sample::run(), PLAIN), @"
    chat · org/model-8b on h100 · seed 18446744073709551615
    target http://localhost:8000

    c=32 · 100 requests in 12.5 s over 1 round
      metric      mean       p50       p90        p95        p99       max   n
      TTFT      368 ms    368 ms    502 ms    ~519 ms    ~533 ms    536 ms  97
      TPOT     24.8 ms   24.8 ms   28.6 ms   ~29.1 ms   ~29.5 ms   29.6 ms  97
      ITL      26.2 ms   26.2 ms   32.0 ms   ~32.7 ms   ~33.3 ms   33.4 ms  97
      E2E     3,080 ms  3,080 ms  3,540 ms  ~3,590 ms  ~3,640 ms  3,650 ms  97
     ~ too few samples to rely on (p50 needs 11, p90 64, p95 130, p99 662)

     Throughput: 7.76 req/s, 745 tok/s output, 790 tok/s output in the steady 10.0 s
     Concurrency: 29.3 mean, 32 peak
     Tokens: 49,700 prompt, 9,300 output (9,312 asked, counted by usage)
     Goodput: 87.0% (87/100 requests met SLO)
       TTFT < 500ms: 92/100 (1 not evaluated)
     Failed: 3 of 100 (http_429 2, stalled 1)

    warning: 2% of answers were shorter than asked (c=32, round 1)
      hint: set ignore_eos: true
    ");
}

#[test]
fn users_who_left_did_not_fail() {
    let mut run = sample::run();
    let failed = run.levels[0].failed();
    run.levels[0].failures.insert("cancelled".to_owned(), 5);
    assert_eq!((run.levels[0].failed(), run.levels[0].cut()), (failed, 5));
    let text = console::render(&run, PLAIN);
    assert!(text.contains(" Cancelled: 5, not counted as offered"), "{text}");
    assert!(text.contains(&format!(" Failed: {failed} of ")) && !text.contains("cancelled 5"), "{text}");
}

#[test]
fn a_sweep_has_an_overview() {
    let mut plan = sample::plan();
    plan.levels.push(sample::open_level());
    let run = sample::build(&plan, &[sample::summary(0.0)], None);
    let text = console::render(&run, PLAIN);
    let overview: Vec<&str> = text.split("\n\n").take(2).collect();
    insta::assert_snapshot!(overview.join("\n\n"), @"
    chat · org/model-8b on h100 · seed 18446744073709551615
    target http://localhost:8000

      level   req/s  tok/s  TTFT p50     p95  TPOT p50      p95   E2E p95  goodput  errors
      c=32     7.76    745    368 ms  519 ms   24.8 ms  29.1 ms  3,590 ms    87.0%       3
      rate=8   7.76    745    368 ms  519 ms   24.8 ms  29.1 ms  3,590 ms    87.0%       3
    ");
}

#[test]
fn a_gate_on_a_terminal() {
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Pass), PLAIN), @"
    PASS: no regression beyond the limits

      metric              baseline     now                change [90%]      limit  verdict
      TTFT p95              412 ms  417 ms        +1.2% [-0.8%, +3.2%]       +15%  within limit
      Goodput                98.9%   97.6%  -1.3 pp [-1.9 pp, -0.7 pp]      -2 pp  lower, within limit
      TTFT p99 objective         -  551 ms         -31.1% [-∞, -20.0%]  <= 800 ms  met

    Next: nothing to do
    note: 2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    note: worth a look, not part of the verdict: ITL p50 at c=32

    warning: 2% of answers were shorter than asked (c=32, round 1)
      hint: set ignore_eos: true
    ");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Fail), PLAIN), @"
    FAIL: TTFT p95 is 22.1% slower than the baseline (limit 15%)

      metric              baseline     now                change [90%]      limit  verdict
      TTFT p95              412 ms  503 ms     +22.1% [+20.1%, +24.1%]       +15%  slower, beyond limit
      Goodput                98.9%   97.6%  -1.3 pp [-1.9 pp, -0.7 pp]      -2 pp  lower, within limit
      TTFT p99 objective         -  551 ms         -31.1% [-∞, -20.0%]  <= 800 ms  met

    Next: fix it, or accept the change by saving a new baseline
    note: 2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    note: worth a look, not part of the verdict: ITL p50 at c=32

    warning: 2% of answers were shorter than asked (c=32, round 1)
      hint: set ignore_eos: true
    ");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Inconclusive), PLAIN), @"
    INCONCLUSIVE: could not decide: TTFT p95 is 18.0% slower, limit 15%, not confirmed

      metric              baseline     now                change [90%]      limit  verdict
      TTFT p95              412 ms  486 ms     +18.0% [+16.0%, +20.0%]       +15%  beyond limit, not confirmed
      Goodput                98.9%   97.6%  -1.3 pp [-1.9 pp, -0.7 pp]      -2 pp  lower, within limit
      TTFT p99 objective         -  551 ms         -31.1% [-∞, -20.0%]  <= 800 ms  met

    Next: run again for more rounds
    note: 2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    note: worth a look, not part of the verdict: ITL p50 at c=32

    warning: 2% of answers were shorter than asked (c=32, round 1)
      hint: set ignore_eos: true
    ");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Invalid), PLAIN), @"
    INVALID: not judged: the client was saturated

      metric              baseline     now                change [90%]      limit  verdict
      TTFT p95              412 ms  577 ms     +40.0% [+38.0%, +42.0%]       +15%  not judged: the client was too
                                                                                   slow
      Goodput                98.9%   97.6%  -1.3 pp [-1.9 pp, -0.7 pp]      -2 pp  not judged: the client was too
                                                                                   slow
      TTFT p99 objective         -  551 ms         -31.1% [-∞, -20.0%]  <= 800 ms  met

    Next: use a machine with more cores
    note: 2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    note: worth a look, not part of the verdict: ITL p50 at c=32

    warning: 2% of answers were shorter than asked (c=32, round 1)
      hint: set ignore_eos: true
    ");
}

#[test]
fn colour_adds_nothing_but_colour_and_others_cannot_add_any() {
    for run in everything() {
        let plain = console::render(&run, PLAIN);
        assert!(!plain.contains(['\u{1b}', '\0', '\r']), "{plain}");
        let style = Style { color: true, ..PLAIN };
        let mut colored = console::render(&run, style);
        for code in ["0", "1", "1;31", "1;32", "1;33"] {
            colored = colored.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(colored, plain);
    }
}

#[test]
fn a_comment_folds_the_evidence() {
    insta::assert_snapshot!(comment(&sample::gate(Decision::Fail)), @r"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### ❌ Serving gate: TTFT p95 is 22.1% slower than the baseline (limit 15%)
    **Next:** Fix it, or accept the change by saving a new baseline

    | chat | baseline | now | change [90%] | limit | verdict |
    |---|--:|--:|--:|--:|---|
    | TTFT p95 | 412 ms | 503 ms | **+22.1%** [+20.1%, +24.1%] | +15% | ❌ slower, beyond limit |
    | Goodput | 98.9% | 97.6% | -1.3 pp [-1.9 pp, -0.7 pp] | -2 pp | ✅ lower, within limit |
    | TTFT p99 objective | - | 551 ms | -31.1% [-∞, -20.0%] | <= 800 ms | ✅ met |

    <details><summary>⚠️ 1 finding</summary>

    - **warning**, c=32, round 1: 2% of answers were shorter than asked *Hint:* set ignore\_eos: true

    </details>
    <details><summary>How this was judged</summary>

    - 2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    - Would have failed, with 80% probability, on a worsening of: TTFT p95 19.0%, Goodput 19.0 pp
    - Worth a look, not part of the verdict: ITL p50 at c=32

    </details>
    <details><summary>Reproduce locally</summary>

    ```sh
    llm-loadtest gate --config gate.yml --seed 7
    ```

    </details>
    <details><summary>Rounds and seeds</summary>

    | metric | rounds, in order | samples per round |
    |---|---|--:|
    | TTFT p95 | 500 ms · 506 ms | 1000 |
    | Goodput | 97.5% · 97.7% | 1000 |
    | TTFT p99 objective | 500 ms · 506 ms | 1000 |

    Seeds: 1, 2

    </details>
    <details><summary>Environment</summary>

    - model: org/model-8b
    - hardware: h100
    - server: vllm 0.9
    - target: http:·//localhost:8000 (loopback)
    - workload: chat chat API, 512 input and 64-128 output tokens, cold cache, abc123
    - GPUs: NVIDIA H100, driver 550.1
    - client: EPYC 9004, 16 cores, Linux 6.1
    - seed: 18446744073709551615

    </details>
    <details><summary>1 more metric, reported and not gated</summary>

    | metric | baseline | now | change |
    |---|--:|--:|--:|
    | ITL p50 | 28.1 ms | 28.3 ms | +0.7% [-1.3%, +2.7%] |

    </details>

    <sub>llm-loadtest 0.1.0 · 2026-01-02T03:04:05Z</sub>
    ");
}

#[test]
fn a_comment_opens_with_the_answer() {
    let top = |run: &RunDocument| comment(run).split("<details>").next().unwrap().to_owned();
    insta::assert_snapshot!(top(&sample::gate(Decision::Pass)), @"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### ✅ Serving gate: no regression beyond the limits
    **Next:** Nothing to do

    | chat | baseline | now | change [90%] | limit | verdict |
    |---|--:|--:|--:|--:|---|
    | TTFT p95 | 412 ms | 417 ms | +1.2% [-0.8%, +3.2%] | +15% | ✅ within limit |
    | Goodput | 98.9% | 97.6% | -1.3 pp [-1.9 pp, -0.7 pp] | -2 pp | ✅ lower, within limit |
    | TTFT p99 objective | - | 551 ms | -31.1% [-∞, -20.0%] | <= 800 ms | ✅ met |
    ");
    insta::assert_snapshot!(top(&sample::gate(Decision::Inconclusive)), @"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### ⚪ Serving gate: could not decide: TTFT p95 is 18.0% slower, limit 15%, not confirmed
    **Next:** Run again for more rounds

    | chat | baseline | now | change [90%] | limit | verdict |
    |---|--:|--:|--:|--:|---|
    | TTFT p95 | 412 ms | 486 ms | +18.0% [+16.0%, +20.0%] | +15% | ⚪ beyond limit, not confirmed |
    | Goodput | 98.9% | 97.6% | -1.3 pp [-1.9 pp, -0.7 pp] | -2 pp | ✅ lower, within limit |
    | TTFT p99 objective | - | 551 ms | -31.1% [-∞, -20.0%] | <= 800 ms | ✅ met |
    ");
    insta::assert_snapshot!(top(&sample::gate(Decision::Invalid)), @"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### ⛔ Serving gate: not judged: the client was saturated
    **Next:** Use a machine with more cores

    | chat | baseline | now | change [90%] | limit | verdict |
    |---|--:|--:|--:|--:|---|
    | TTFT p95 | 412 ms | 577 ms | +40.0% [+38.0%, +42.0%] | +15% | ⚪ not judged |
    | Goodput | 98.9% | 97.6% | -1.3 pp [-1.9 pp, -0.7 pp] | -2 pp | ⚪ not judged |
    | TTFT p99 objective | - | 551 ms | -31.1% [-∞, -20.0%] | <= 800 ms | ✅ met |
    ");
    insta::assert_snapshot!(top(&sample::run()), @"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### Serving gate: chat · org/model-8b on h100
    100 requests in 1 round, 3 failed.

    | level | req/s | tok/s | TTFT p50 | TTFT p95 | TPOT p50 | TPOT p95 | E2E p95 | goodput | errors |
    |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | c=32 | 7.76 | 745 | 368 ms | 519 ms | 24.8 ms | 29.1 ms | 3,590 ms | 87.0% | 3 |
    ");
}

#[test]
fn no_name_escapes_the_comment() {
    for run in everything() {
        let text = markdown::render(&run, &options());
        assert_eq!(text.matches("<!--").count(), 1, "{text}");
        assert_eq!(text.matches("-->").count(), 1);
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert!(!text.contains("<img") && !text.contains("@octocat") && !text.contains("https://e"));
        let rows = text.lines().filter(|line| line.starts_with('|'));
        for row in rows {
            assert!(row.trim_end().ends_with('|'), "{row}");
        }
    }
}

#[test]
fn a_comment_that_grows_loses_folds_then_rows_never_the_verdict() {
    let mut run = sample::gate(Decision::Fail);
    let verdict = run.verdict.as_mut().unwrap();
    let (gating, reported) = (verdict.cells[0].clone(), verdict.cells[3].clone());
    verdict.cells.extend(vec![reported; 2_000]);
    let folded = markdown::render(&run, &options());
    assert!(folded.chars().count() <= 60_000);
    assert!(folded.contains("How this was judged") && folded.contains("1 section did not fit"));
    run.verdict.as_mut().unwrap().cells = vec![gating; 2_000];
    run.verdict.as_mut().unwrap().headline = "🚀".repeat(70_000);
    let cut = markdown::render(&run, &options());
    assert!(cut.chars().count() <= 60_000);
    assert!(cut.contains("### ❌ Serving gate: 🚀") && cut.contains("more rows did not fit"));
}

#[test]
fn csv_has_a_row_per_round_and_level_and_quotes() {
    let mut run = sample::gate(Decision::Pass);
    run.name = "a,\"b\"\nc".to_owned();
    let text = csv::render(&run);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].starts_with("\"a,\"\"b\"\"\nc\",org/model-8b,h100,1,1,c=32,12.5,100,97,3,87,"));
    let columns = lines[0].split(',').count();
    // Two of the name's own commas and none elsewhere.
    assert_eq!(lines[1].split(',').count(), columns + 1);
    let at = |name: &str| lines[0].split(',').position(|column| column == name).unwrap() + 1;
    let field = |name: &str| lines[2].split(',').nth(at(name)).unwrap();
    assert_eq!((field("ttft_p50"), field("goodput"), field("send_lag_p95")), ("398", "0.87", ""));
    assert_eq!(field("failed_http_429"), "2");
}

#[test]
fn json_is_the_document() {
    let run = sample::run();
    let path = std::path::Path::new("result.json");
    assert_eq!(RunDocument::from_json(path, &json::render(&run)), Ok(run));
}
