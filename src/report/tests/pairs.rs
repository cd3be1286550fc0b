//! A gate in pairs, in every form: both sides, the looks, what earlier gates measured, and how it came about.

use super::{PLAIN, comment};
use crate::document::v1::{RunDocument, StatusDocument, sample, sample_pairs};
use crate::gate::Decision;
use crate::report::{console, explain, html};

#[test]
fn the_terminal_says_pairs_and_what_was_not_needed() {
    let text = console::render(&sample_pairs::pairs(), PLAIN);
    assert!(text.contains("5 pairs of rounds") && text.contains("change [95.5%]"), "{text}");
    assert!(text.contains("Looked at after 5, 8, 12 at most; 7 were not needed."), "{text}");
}

#[test]
fn the_comment_shows_every_pair_and_what_was_carried_over() {
    let text = comment(&sample_pairs::pairs());
    assert!(text.contains("| TTFT p95 | 410 ms → 500 ms · 413 ms → 506 ms · 409 ms → 498 ms"), "{text}");
    assert!(text.contains("First in each pair: baseline, candidate, baseline"), "{text}");
    assert!(text.contains("2 of them were measured by earlier gates of the same question."), "{text}");
    let alone = comment(&sample::gate(Decision::Pass));
    assert!(!alone.contains("pair") && !alone.contains("earlier gates"), "{alone}");
}

#[test]
fn the_page_draws_every_pair_between_no_change_and_the_limit() {
    let page = html::render(&sample_pairs::pairs(), None);
    assert_eq!(page.matches("<circle class=\"pair\"").count(), 5);
    assert!(page.contains("in pairs with sim:h100-8b") && page.contains("+15.0%"));
    assert!(!html::render(&sample::gate(Decision::Fail), None).contains("Pair by pair"));
}

#[test]
fn every_step_of_a_verdict_is_told() {
    let verdict = sample_pairs::pairs().verdict.unwrap();
    insta::assert_snapshot!(explain::render(&verdict), @r"
    FAIL: TTFT p95 is 22.1% slower than the baseline (limit 15%)

    y = ln(value) for latencies, -ln(value) for rates, 1 - share for shares: larger is worse.
    5 pairs: d = y(candidate) - y(baseline) of each pair; its mean and the scatter between pairs decide (paired t).
    The evidence is looked at after 5, 8, 12 pairs; this look is after 5. So that all looks together err in at most 5% of gates, a single one may err in 2.27%.
    fail: some number is shown to be beyond its limit, 5% of error shared by 1 number (Holm).
    pass: every number is shown to be within its limit, each with at most 2.27%.

    TTFT p95 · c=32 (limit +15%): slower, beyond limit
      baseline    410 ms, 413 ms, 409 ms, 416 ms, 412 ms
      now         500 ms, 506 ms, 498 ms, 511 ms, 503 ms
      pairs       +22.0%, +22.5%, +21.8%, +22.8%, +22.1%
      difference  d = 0.200, a change of +22.1%, 95.5% interval +19.0% to +25.2%
      error       se = 0.010, 4 degrees of freedom
      limit       tau = 0.140
      test        t = (d - tau) / se = 6.00
      within?     p = 0.998 > 0.023: not shown to be within the limit
      beyond?     p = 0.002: shown to be beyond the limit, among 1 number
      could see   a true change of TTFT p95 by +19.0% would have failed 4 times in 5
    ");
}

#[test]
fn what_was_not_tested_says_why_and_nothing_hostile_gets_through() {
    let mut run: RunDocument = sample_pairs::pairs();
    let verdict = run.verdict.as_mut().unwrap();
    let cell = &mut verdict.cells[0];
    cell.test = None;
    cell.status = StatusDocument::NotJudged { reason: "too \u{1b}[31mfew".to_owned() };
    cell.rounds = vec![0.0; 5];
    let text = explain::render(verdict);
    assert!(text.contains("not judged") && text.contains("few") && !text.contains('\u{1b}'), "{text}");
    assert!(!text.contains("within?"));
    // A value of zero or a missing side must not break the drawing.
    verdict.cells[0].baseline_rounds = vec![0.0; 5];
    let page = html::render(&run, None);
    assert!(!page.contains("NaN") && !page.contains("inf"), "a place that is no number");
}
