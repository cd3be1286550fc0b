//! What a comment says besides its document, and what goes when there is no room.

use super::{comment, everything, hostile, options, stories};
use crate::document::v1::{BasisDocument, RunDocument, StoredDocument, sample};
use crate::gate::Decision;
use crate::report::markdown::{self, Limit, MarkdownOptions, Note, NoteKind};

fn note(kind: NoteKind, text: &str) -> Note {
    Note { kind, text: text.to_owned() }
}

fn legs<'a>(stories: &'a [(&str, RunDocument)]) -> Vec<(&'a RunDocument, &'a str)> {
    stories.iter().map(|(name, run)| (run, *name)).collect()
}

#[test]
fn a_marker_has_a_key_that_nothing_ends_and_no_other_shares() {
    assert_eq!(markdown::marker("gate/h100_x8.v1"), "<!-- llm-loadtest key=gate/h100_x8.v1 -->");
    let keys = ["a-b", "a b", "a--b", "a---b", "a:b", "a=b", "a=3Ab", "a-->b", "é", "測", "", "a--!>\n<b>"];
    let markers: std::collections::BTreeSet<String> = keys.iter().map(|key| markdown::marker(key)).collect();
    assert_eq!(markers.len(), keys.len(), "{markers:?}");
    for marker in &markers {
        let inside = marker.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).unwrap();
        assert!(!inside.contains("--") && !inside.contains(['<', '>', '\n']), "{marker}");
    }
    let run = sample::run();
    assert_eq!(markdown::key(&run), "chat/org/model-8b/h100");
    let named = MarkdownOptions { key: Some("job".to_owned()), ..options() };
    assert!(markdown::render(&run, &named).starts_with("<!-- llm-loadtest key=job -->\n"));
}

#[test]
fn notes_stand_between_the_next_step_and_the_table() {
    let notes =
        vec![note(NoteKind::Warning, "changes `baselines/`"), note(NoteKind::Info, "measured on a fork")];
    let run = sample::gate(Decision::Fail);
    let text = markdown::render(&run, &MarkdownOptions { notes, ..options() });
    let top: Vec<&str> = text.lines().skip(2).take(7).collect();
    insta::assert_snapshot!(top.join("\n"), @r"
    **Next:** Fix it, or accept the change by saving a new baseline

    > ⚠️ changes \`baselines/\`

    > ℹ️ measured on a fork

    | chat | baseline | now | change [90%] | limit | verdict |
    ");
}

#[test]
fn a_command_runs_in_the_image_and_the_job_is_linked() {
    let run = sample::gate(Decision::Fail);
    let given = MarkdownOptions {
        image: Some("ghcr.io/example/tool:1@sha256:00".to_owned()),
        run_url: Some("https://github.example/o/r/actions/runs/7".to_owned()),
        ..options()
    };
    let text = markdown::render(&run, &given);
    let line = "docker run --rm --network host -v \"$PWD:/w\" -w /w ghcr.io/example/tool:1@sha256:00 gate --config gate.yml --seed 7";
    assert!(text.contains(&format!("```sh\n{line}\n```")), "{text}");
    let foot = "<sub>llm-loadtest 0.1.0 · 2026-01-02T03:04:05Z · [job, log and files](https://github.example/o/r/actions/runs/7)</sub>\n";
    assert!(text.ends_with(foot), "{text}");
    for bad in ["javascript:alert(1)", "https://e.example/) <img src=x>", "https://e.example/`"] {
        let given = MarkdownOptions { run_url: Some(bad.to_owned()), ..given.clone() };
        assert!(!markdown::render(&run, &given).contains("log and files"), "{bad}");
    }
    let given = MarkdownOptions { image: Some("a b;$(c)".to_owned()), ..given };
    assert!(markdown::render(&run, &given).contains(" -w /w 'a b;$(c)' gate "));
}

#[test]
fn what_a_verdict_rests_on_has_an_age_and_a_drift() {
    let how = |days: Option<f64>, drifted: bool| {
        let mut run = sample::gate(Decision::Pass);
        let verdict = run.verdict.as_mut().unwrap();
        verdict.basis = BasisDocument::Sessions { sessions: 6 };
        let stored = StoredDocument::sample();
        let drift = stored.drift.clone().filter(|_| drifted);
        verdict.baseline = Some(StoredDocument { age_days: days, drift, ..stored });
        let text = comment(&run);
        text.lines()
            .find_map(|line| line.strip_prefix("- 2 rounds "))
            .unwrap()
            .split(". A")
            .next()
            .unwrap()
            .to_owned()
    };
    insta::assert_snapshot!(how(Some(21.5), true), @"against 6 stored sessions, the newest 21 days old; over them TTFT p95 moved by +3.1%");
    insta::assert_snapshot!(how(Some(1.0), false), @"against 6 stored sessions, the newest 1 day old");
    insta::assert_snapshot!(how(Some(0.9), false), @"against 6 stored sessions, the newest of today");
    insta::assert_snapshot!(how(None, true), @"against 6 stored sessions; over them TTFT p95 moved by +3.1%");
    let mut few = sample::gate(Decision::Pass);
    few.verdict.as_mut().unwrap().baseline = Some(StoredDocument { drift: None, ..StoredDocument::sample() });
    let line = comment(&few);
    assert!(
        line.contains("against 2 stored sessions, the newest 21 days old; assumes 3% day-to-day noise until"),
        "{line}"
    );
}

#[test]
fn a_pass_that_judged_nothing_is_no_green_light() {
    let mut run = sample::gate(Decision::Pass);
    assert!(comment(&run).contains("### ✅"));
    run.verdict.as_mut().unwrap().cells.clear();
    assert!(comment(&run).contains("### ⚪"));
}

/// The marker and the two lines that answer.
fn answer(text: &str) -> Vec<&str> {
    text.lines().take(3).collect()
}

#[test]
fn whatever_grows_verdict_marker_and_next_step_stay() {
    for base in [sample::gate(Decision::Fail), hostile(Some(Decision::Fail))] {
        let plain = markdown::render(&base, &options());
        let mut run = base;
        let verdict = run.verdict.as_mut().unwrap();
        verdict.broken_rules = vec!["&".repeat(5_000); 50];
        verdict.cells = vec![verdict.cells[0].clone(); 20_000];
        run.findings = vec![run.findings[0].clone(); 2_000];
        for limit in [Limit::Comment, Limit::Summary] {
            let notes = vec![note(NoteKind::Info, &"🚀<".repeat(3_000)); 50];
            let text = markdown::render(&run, &MarkdownOptions { notes, limit, ..options() });
            let (length, max) = match limit {
                Limit::Comment => (text.chars().count(), 60_000),
                Limit::Summary => (text.len(), 900 * 1024),
            };
            assert!(length <= max && length > max * 9 / 10, "{length} of {max}");
            assert_eq!(answer(&text), answer(&plain));
            assert!(text.trim_end().ends_with("</sub>"));
            assert!(text.contains("more rows did not fit") && text.contains("did not fit; the result file"));
        }
    }
}

#[test]
fn the_worst_leg_of_a_matrix_comes_first() {
    let stories = stories::all();
    let text = markdown::render_many(&legs(&stories), &options());
    let top = text.split("<details>").next().unwrap();
    insta::assert_snapshot!(top, @r"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### ❌ Serving gate: 3 of 9 fail. fail: TTFT p95 is 22 % slower than the baseline (limit 15 %)
    **Next:** Fix the regression, or accept it: llm-loadtest baseline save.

    | leg | verdict | worst number | change | limit |
    |---|---|---|--:|--:|
    | fail | ❌ fail | TTFT p95 413 ms → 505 ms | +22.3% | +15% |
    | errors | ❌ fail | 9 % of the requests failed in round 5 (limit 5 %): 90 × http\_5xx | - | - |
    | pairs | ❌ fail | TTFT p95 412 ms → 503 ms | +22.1% | +15% |
    | invalid | ⛔ invalid | Not judged: the client sent 4% of requests more than 10 ms late | - | - |
    | interrupted | ⛔ invalid | Not judged: the gate was interrupted in round 3 of 5 | - | - |
    | inconclusive | ⚪ inconclusive | TTFT p95 413 ms → 475 ms | +15.0% | +15% |
    | pass | ✅ pass | TPOT p95 24.6 ms → 24.7 ms | +0.4% | +7% |
    | no-baseline | ✅ pass | Goodput objective 99.1% | +4.1 pp | >= 95.0% |
    | run | measured | - | - | - |
    ");
    // A fold for each, and one in it for its command.
    assert_eq!(text.matches("<details>").count(), 2 * stories.len());
    assert_eq!(text.matches("</details>").count(), 2 * stories.len());
}

#[test]
fn a_matrix_counts_its_verdicts() {
    let [pass, fail] = [Decision::Pass, Decision::Fail].map(sample::gate);
    let run = sample::run();
    let headline = |runs: &[&RunDocument]| {
        let legs: Vec<(&RunDocument, &str)> = runs.iter().map(|run| (*run, "leg")).collect();
        markdown::render_many(&legs, &options()).lines().nth(1).unwrap().to_owned()
    };
    insta::assert_snapshot!(headline(&[&pass, &pass]), @"### ✅ Serving gate: all 2 pass");
    insta::assert_snapshot!(headline(&[&pass]), @"### ✅ Serving gate: 1 of 1 passes");
    insta::assert_snapshot!(headline(&[&pass, &fail, &run]), @"### ❌ Serving gate: 1 of 3 fails. leg: TTFT p95 is 22.1% slower than the baseline (limit 15%)");
    insta::assert_snapshot!(headline(&[&run, &run]), @"### Serving gate: 2 results");
    insta::assert_snapshot!(headline(&[]), @"### Serving gate: 0 results");
}

/// Without the blocks of code, in which nothing means anything.
fn prose(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut kept = Vec::new();
    for line in text.lines() {
        match fence {
            Some(end) if line == end => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("sh")),
            None => kept.push(line),
        }
    }
    assert_eq!(fence, None);
    kept.join("\n")
}

#[test]
fn a_matrix_escapes_and_fits_like_a_single_result() {
    let bad = everything();
    let legs: Vec<(&RunDocument, &str)> = bad.iter().map(|run| (run, super::HOSTILE)).collect();
    let whole = markdown::render_many(&legs, &options());
    let text = prose(&whole);
    assert_eq!((text.matches("<!--").count(), text.matches("-->").count()), (1, 1), "{text}");
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    assert!(!text.contains("<img") && !text.contains("@octocat") && !text.contains("https://e"));
    assert!(text.lines().filter(|line| line.starts_with('|')).all(|row| row.ends_with('|')));
    let large: Vec<(&RunDocument, &str)> = legs.iter().cycle().take(500).copied().collect();
    let cut = markdown::render_many(&large, &options());
    assert!(cut.chars().count() <= 60_000);
    assert_eq!(answer(&cut)[0], answer(&whole)[0]);
    assert!(cut.contains("sections did not fit; the result file has everything."));
}
