//! Every renderer over every kind of result, and over text that means harm.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::console::{self, Style};
use super::markdown::{self, MarkdownOptions};
use super::{csv, json, junit};
use crate::document::v1::{DecisionDocument, RunDocument, sample};
use crate::gate::Decision;

const PLAIN: Style = Style {
    color: false,
    width: 110,
};

const HOSTILE: &str =
    "\u{1b}[31m\0\u{fffe} ]]> <img src=x> & \" ' | `x` @octocat #1 [a](https://e.example) 🚀\n# h\r\n<!-- --> </details>";

const DECISIONS: [Decision; 4] = [
    Decision::Pass,
    Decision::Fail,
    Decision::Inconclusive,
    Decision::Invalid,
];

fn options() -> MarkdownOptions {
    MarkdownOptions {
        title: "Serving gate".to_owned(),
        reproduce: Some("llm-loadtest gate --config gate.yml --seed 7".to_owned()),
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
    gates.chain(bad).chain([sample::run(), hostile(None)]).collect()
}

#[test]
fn a_run_on_a_terminal() {
    insta::assert_snapshot!(console::render(&sample::run(), PLAIN), @"");
}

#[test]
fn a_sweep_has_an_overview() {
    let mut plan = sample::plan();
    plan.levels.push(sample::open_level());
    let run = sample::build(&plan, &[sample::summary(0.0)], None);
    let text = console::render(&run, PLAIN);
    let overview: Vec<&str> = text.split("\n\n").take(2).collect();
    insta::assert_snapshot!(overview.join("\n\n"), @"");
}

#[test]
fn a_gate_on_a_terminal() {
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Pass), PLAIN), @"");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Fail), PLAIN), @"");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Inconclusive), PLAIN), @"");
    insta::assert_snapshot!(console::render(&sample::gate(Decision::Invalid), PLAIN), @"");
}

#[test]
fn colour_adds_nothing_but_colour_and_others_cannot_add_any() {
    for run in everything() {
        let plain = console::render(&run, PLAIN);
        assert!(!plain.contains(['\u{1b}', '\0', '\r']), "{plain}");
        let style = Style {
            color: true,
            ..PLAIN
        };
        let mut colored = console::render(&run, style);
        for code in ["0", "1", "1;31", "1;32", "1;33"] {
            colored = colored.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(colored, plain);
    }
}

#[test]
fn a_comment_for_every_answer() {
    insta::assert_snapshot!(comment(&sample::gate(Decision::Fail)), @"");
    let top = |run: &RunDocument| comment(run).split("<details>").next().unwrap().to_owned();
    insta::assert_snapshot!(top(&sample::gate(Decision::Pass)), @"");
    insta::assert_snapshot!(top(&sample::gate(Decision::Inconclusive)), @"");
    insta::assert_snapshot!(top(&sample::gate(Decision::Invalid)), @"");
    insta::assert_snapshot!(top(&sample::run()), @"");
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

#[derive(Default)]
struct Counted {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    time: f64,
    texts: Vec<String>,
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    element
        .attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            (
                String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(),
                attribute.unescape_value().unwrap().into_owned(),
            )
        })
        .collect()
}

/// Reads the XML with another library, checks its structure, and counts what is there.
fn read(xml: &str) -> Counted {
    let mut reader = Reader::from_str(xml);
    let (mut root, mut suites) = (Counted::default(), Vec::<(BTreeMap<String, String>, Counted)>::new());
    let mut root_attributes = BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                let attributes = attributes(element);
                let parent = path.last().map(String::as_str);
                match (parent, name.as_str()) {
                    (None, "testsuites") => root_attributes = attributes,
                    (Some("testsuites"), "testsuite") => suites.push((attributes, Counted::default())),
                    (Some("testsuite"), "testcase") => {
                        let suite = &mut suites.last_mut().unwrap().1;
                        suite.tests += 1;
                        let time = &attributes["time"];
                        assert!(time.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 3), "{time}");
                        suite.time += time.parse::<f64>().unwrap();
                        assert!(attributes["classname"].starts_with("llm-loadtest.") && !attributes["name"].is_empty());
                    }
                    (Some("testcase"), kind @ ("failure" | "error" | "skipped")) => {
                        let suite = &mut suites.last_mut().unwrap().1;
                        match kind {
                            "failure" => suite.failures += 1,
                            "error" => suite.errors += 1,
                            _ => suite.skipped += 1,
                        }
                        assert!(!attributes["message"].is_empty() && !attributes["type"].is_empty());
                        assert!(!attributes["message"].contains('\n'));
                    }
                    (Some("testcase" | "testsuite"), "system-out") => {}
                    (parent, name) => panic!("<{name}> inside {parent:?}"),
                }
                if matches!(event, Event::Start(_)) {
                    path.push(name);
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::CData(text) => root.texts.push(String::from_utf8(text.to_vec()).unwrap()),
            Event::Text(text) => assert!(text.iter().all(u8::is_ascii_whitespace), "{text:?}"),
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    for (attributes, counted) in suites {
        let number = |name: &str| attributes[name].parse::<usize>().unwrap();
        assert_eq!(number("tests"), counted.tests);
        assert_eq!(number("failures"), counted.failures);
        assert_eq!(number("errors"), counted.errors);
        assert_eq!(number("skipped"), counted.skipped);
        assert!((attributes["time"].parse::<f64>().unwrap() - counted.time).abs() < 1e-9);
        root.tests += counted.tests;
        root.failures += counted.failures;
        root.errors += counted.errors;
        root.skipped += counted.skipped;
        root.time += counted.time;
    }
    let number = |name: &str| root_attributes[name].parse::<usize>().unwrap();
    assert_eq!((number("tests"), number("failures"), number("errors")), (root.tests, root.failures, root.errors));
    assert!(!root_attributes.contains_key("skipped"));
    root
}

#[test]
fn junit_counts_what_it_holds_whatever_the_text() {
    for run in everything() {
        let xml = junit::render(&run).unwrap();
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(xml.chars().all(allowed));
        assert!(read(&xml).tests > 0, "{xml}");
    }
}

#[test]
fn junit_says_what_the_verdict_says() {
    let counts = |decision: Decision| {
        let counted = read(&junit::render(&sample::gate(decision)).unwrap());
        (counted.tests, counted.failures, counted.errors, counted.skipped)
    };
    assert_eq!(counts(Decision::Pass), (3, 0, 0, 0));
    assert_eq!(counts(Decision::Fail), (3, 1, 0, 0));
    assert_eq!(counts(Decision::Inconclusive), (3, 0, 0, 1));
    assert_eq!(counts(Decision::Invalid), (3, 0, 3, 0));
    insta::assert_snapshot!(junit::render(&sample::gate(Decision::Fail)).unwrap(), @"");
    insta::assert_snapshot!(junit::render(&sample::run()).unwrap(), @"");
}

#[test]
fn junit_has_cases_without_numbers_too() {
    let mut run = sample::gate(Decision::Invalid);
    run.verdict.as_mut().unwrap().cells.clear();
    assert_eq!(read(&junit::render(&run).unwrap()).errors, 1);
    run.verdict.as_mut().unwrap().decision = DecisionDocument::Fail;
    run.verdict.as_mut().unwrap().broken_rules = vec!["8% of requests failed ]]> (limit 5%)".to_owned()];
    let counted = read(&junit::render(&run).unwrap());
    assert_eq!((counted.tests, counted.failures), (1, 1));
    assert!(counted.texts.concat().contains("failed ]]> (limit"), "{:?}", counted.texts);

    let mut dead = sample::run();
    dead.levels[0].succeeded = 0;
    assert_eq!(read(&junit::render(&dead).unwrap()).errors, 1);
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
