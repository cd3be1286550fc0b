//! Results and their comments as files, one for each kind; `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

use super::{DECISIONS, hostile, stories};
use crate::document::v1::RunDocument;
use crate::host::files::write_atomic;
use crate::report::command;
use crate::report::markdown::{self, MarkdownOptions, Note, NoteKind};

fn options(run: &RunDocument) -> MarkdownOptions {
    let verb = if run.verdict.is_some() { "gate" } else { "run" };
    MarkdownOptions {
        title: format!("Serving {verb} '{}'", run.name),
        key: Some("perf/gate".to_owned()),
        reproduce: Some(command::line(run)),
        image: Some("ghcr.io/example/llm-loadtest:0.1.0".to_owned()),
        run_url: Some("https://github.com/example/server/actions/runs/42/attempts/1".to_owned()),
        ..MarkdownOptions::default()
    }
}

fn note(kind: NoteKind, text: &str) -> Note {
    Note { kind, text: text.to_owned() }
}

fn comments() -> Vec<(String, String)> {
    let stories = stories::all();
    let mut files: Vec<(String, String)> = stories
        .iter()
        .map(|(name, run)| {
            let notes = match *name {
                "fail" => vec![
                    note(
                        NoteKind::Warning,
                        "This pull request changes baselines/chat.json: the gate used the base branch's file.",
                    ),
                    note(NoteKind::Info, "The candidate was measured on 0a1b2c3, merged into main."),
                ],
                "pass" => vec![note(NoteKind::Info, "Measured on a fork; thresholds and baselines are those of main.")],
                _ => Vec::new(),
            };
            ((*name).to_owned(), markdown::render(run, &MarkdownOptions { notes, ..options(run) }))
        })
        .collect();
    let bad = hostile(Some(DECISIONS[1]));
    files.push(("hostile".to_owned(), markdown::render(&bad, &options(&bad))));
    let legs = ["pass", "fail", "inconclusive"].map(|name| {
        let (name, run) = stories.iter().find(|(one, _)| *one == name).unwrap();
        (
            run,
            match *name {
                "fail" => "h100, chat",
                "pass" => "h100, rag",
                _ => "l40s, chat",
            },
        )
    });
    let many = MarkdownOptions { title: "Serving gates".to_owned(), ..options(legs[0].0) };
    files.push(("matrix".to_owned(), markdown::render_many(&legs, &many)));
    files
}

/// Results without what only charts need.
fn results() -> Vec<(String, String)> {
    let bad = [("hostile", hostile(Some(DECISIONS[1]))), ("hostile-invalid", hostile(Some(DECISIONS[3])))];
    let all = stories::all().into_iter().chain(bad);
    all.map(|(name, mut run)| {
        let rounds = run.rounds.iter_mut().flat_map(|round| &mut round.levels);
        for level in rounds.chain(&mut run.levels) {
            level.histograms.clear();
            level.series = None;
            level.points.clear();
        }
        // The pairs' other side is in the judged numbers.
        run.pairs.iter_mut().for_each(|pairs| pairs.rounds.clear());
        run.pairs.iter_mut().for_each(|pairs| pairs.levels.clear());
        (name.to_owned(), run.to_json())
    })
    .collect()
}

#[test]
fn comments_and_results_are_as_their_files_show_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let comments = comments().into_iter().map(|(name, text)| (format!("comment/{name}.md"), text));
    let results = results().into_iter().map(|(name, text)| (format!("results/{name}.json"), text));
    let mut apart = Vec::new();
    for (name, text) in comments.chain(results) {
        let path = folder.join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            write_atomic(&path, text.as_bytes()).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            apart.push(name);
        }
    }
    assert!(apart.is_empty(), "run this test once with UPDATE_GOLDEN=1 and look at: {apart:?}");
}
