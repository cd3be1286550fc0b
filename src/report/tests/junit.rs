//! The XML as another library reads it.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::everything;
use crate::document::v1::{DecisionDocument, sample};
use crate::gate::Decision;
use crate::report::junit;

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
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (attribute.key.as_ref().to_owned(), value.into_owned())
        })
        .collect()
}

/// The time of a case in seconds; its attributes are as every reader wants them.
fn case_time(attributes: &BTreeMap<String, String>) -> f64 {
    let time = &attributes["time"];
    let decimals = time.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    assert!(decimals <= 3, "{time}");
    assert!(attributes["classname"].starts_with("llm-loadtest.") && !attributes["name"].is_empty());
    time.parse().unwrap()
}

/// What the reader has seen so far.
#[derive(Default)]
struct Seen {
    root: BTreeMap<String, String>,
    suites: Vec<(BTreeMap<String, String>, Counted)>,
    texts: Vec<String>,
    path: Vec<String>,
}

/// Reads the XML with another library, checks its structure, and counts what is there.
fn read(xml: &str) -> Counted {
    let mut reader = Reader::from_str(xml);
    let mut seen = Seen::default();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                seen.open(&element);
                seen.path.push(element.name().as_ref().to_owned());
            }
            Event::Empty(element) => seen.open(&element),
            Event::End(_) => drop(seen.path.pop()),
            Event::CData(text) => seen.texts.push(text.to_string()),
            Event::Text(text) => assert!(text.trim().is_empty(), "{text:?}"),
            Event::Decl(_) => {}
            Event::Eof => return add_up(seen),
            other => panic!("{other:?}"),
        }
    }
}

impl Seen {
    fn open(&mut self, element: &BytesStart<'_>) {
        let attributes = attributes(element);
        let parent = self.path.last().map(String::as_str);
        match (parent, element.name().as_ref()) {
            (None, "testsuites") => self.root = attributes,
            (Some("testsuites"), "testsuite") => self.suites.push((attributes, Counted::default())),
            (Some("testsuite"), "testcase") => {
                let suite = self.suite();
                suite.tests += 1;
                suite.time += case_time(&attributes);
            }
            (Some("testcase"), kind @ ("failure" | "error" | "skipped")) => {
                let suite = self.suite();
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
    }

    fn suite(&mut self) -> &mut Counted {
        &mut self.suites.last_mut().unwrap().1
    }
}

/// The attributes tell what was counted, in every suite and in the root.
fn add_up(seen: Seen) -> Counted {
    let Seen { root: root_attributes, suites, texts, path } = seen;
    assert!(path.is_empty());
    let mut root = Counted { texts, ..Counted::default() };
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
    assert_eq!(
        (number("tests"), number("failures"), number("errors")),
        (root.tests, root.failures, root.errors)
    );
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
    insta::assert_snapshot!(junit::render(&sample::gate(Decision::Fail)).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="llm-loadtest" tests="3" failures="1" errors="0" time="25">
    <testsuite id="0" skipped="0" name="chat c=32" package="llm-loadtest" tests="3" errors="0" failures="1" hostname="localhost" timestamp="2026-01-02T03:04:05Z" time="25"><testcase name="ttft_p95" time="25" classname="llm-loadtest.chat.c=32"><failure type="regression" message="TTFT p95: slower, beyond limit; baseline 412 ms, now 503 ms, change +22.1% [+20.1%, +24.1%], limit +15%"><![CDATA[TTFT p95: slower, beyond limit; baseline 412 ms, now 503 ms, change +22.1% [+20.1%, +24.1%], limit +15%]]></failure></testcase><testcase name="goodput" time="0" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[Goodput: lower, within limit; baseline 98.9%, now 97.6%, change -1.3 pp [-1.9 pp, -0.7 pp], limit -2 pp]]></system-out></testcase><testcase name="ttft_p99 objective" time="0" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[TTFT p99 objective: met; baseline -, now 551 ms, change -31.1% [-∞, -20.0%], limit <= 800 ms]]></system-out></testcase><system-out><![CDATA[model org/model-8b, hardware h100, seed 18446744073709551615, llm-loadtest 0.1.0
    2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.
    warning: 2% of answers were shorter than asked (c=32, round 1)]]></system-out></testsuite>
    </testsuites>
    "#);
    insta::assert_snapshot!(junit::render(&sample::run()).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="llm-loadtest" tests="1" failures="0" errors="0" time="12.5">
    <testsuite id="0" skipped="0" name="chat c=32" package="llm-loadtest" tests="1" errors="0" failures="0" hostname="localhost" timestamp="2026-01-02T03:04:05Z" time="12.5"><testcase name="ttft" time="12.5" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[TTFT < 500ms: 92/100]]></system-out></testcase><system-out><![CDATA[model org/model-8b, hardware h100, seed 18446744073709551615, llm-loadtest 0.1.0
    warning: 2% of answers were shorter than asked (c=32, round 1)]]></system-out></testsuite>
    </testsuites>
    "#);
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
