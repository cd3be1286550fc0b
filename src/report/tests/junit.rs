//! The XML as another library reads it.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{DECISIONS, everything, stories};
use crate::document::v1::{DecisionDocument, RunDocument, sample};
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
    /// Classes and names of cases.
    names: Vec<(String, String)>,
}

type Attributes = BTreeMap<String, String>;

fn attributes(element: &BytesStart<'_>) -> Attributes {
    element
        .attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (attribute.key.as_ref().to_owned(), value.into_owned())
        })
        .collect()
}

/// No attribute but these, which is what Jenkins' schema lets through, and all of the first `needed`.
fn only(attributes: &Attributes, allowed: &[&str], needed: usize) {
    let unknown: Vec<&String> = attributes.keys().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let missing: Vec<&&str> =
        allowed[..needed].iter().filter(|name| !attributes.contains_key(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} of {attributes:?}");
}

/// Seconds with at most three decimals.
fn seconds(attributes: &Attributes) -> f64 {
    let time = &attributes["time"];
    let (whole, decimals) = time.split_once('.').unwrap_or((time, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(digits(whole) && digits(decimals) && decimals.len() <= 3, "{time}");
    time.parse().unwrap()
}

/// What the reader has seen so far.
#[derive(Default)]
struct Seen {
    root: Attributes,
    suites: Vec<(Attributes, Counted)>,
    path: Vec<String>,
    /// Children of the element that is open, by depth.
    children: Vec<Vec<String>>,
    /// Message of the result that is open.
    message: Option<String>,
    texts: Vec<String>,
}

/// Reads the XML with another library, checks its structure, and counts what is there.
fn read(xml: &str) -> Counted {
    let mut reader = Reader::from_str(xml);
    let mut seen = Seen { children: vec![Vec::new()], ..Seen::default() };
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                seen.open(&element);
                seen.path.push(element.name().as_ref().to_owned());
                seen.children.push(Vec::new());
                text.clear();
            }
            Event::Empty(element) => seen.open(&element),
            Event::End(_) => {
                seen.close(&text);
                text.clear();
            }
            Event::CData(more) => text.push_str(&more),
            Event::Text(more) => assert!(more.trim().is_empty(), "{more:?}"),
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
        let name = element.name().as_ref().to_owned();
        let siblings = self.children.last_mut().unwrap();
        siblings.push(name.clone());
        match (parent, name.as_str()) {
            (None, "testsuites") => {
                only(&attributes, &["name", "tests", "failures", "errors", "time"], 5);
                self.root = attributes;
            }
            (Some("testsuites"), "testsuite") => {
                let all = "name tests failures errors skipped time timestamp hostname id package file";
                let all: Vec<&str> = all.split(' ').collect();
                only(&attributes, &all, 6);
                self.suites.push((attributes, Counted::default()));
            }
            (Some("testsuite"), "properties") => assert_eq!(siblings.len(), 1, "properties come first"),
            (Some("properties"), "property") => {
                only(&attributes, &["name", "value"], 2);
                assert!(!attributes["value"].is_empty());
            }
            (Some("testsuite"), "testcase") => self.case(&attributes),
            (Some("testcase"), kind @ ("failure" | "error" | "skipped")) => {
                assert_eq!(siblings.len(), 1, "one result, before any output");
                only(&attributes, &["message", "type"], 2);
                let message = &attributes["message"];
                assert!(!message.is_empty() && !message.contains('\n') && !attributes["type"].is_empty());
                self.message = Some(message.clone());
                let suite = self.suite();
                match kind {
                    "failure" => suite.failures += 1,
                    "error" => suite.errors += 1,
                    _ => suite.skipped += 1,
                }
            }
            (Some("testcase" | "testsuite"), "system-out") => only(&attributes, &[], 0),
            (parent, name) => panic!("<{name}> inside {parent:?}"),
        }
    }

    fn case(&mut self, attributes: &Attributes) {
        only(attributes, &["name", "classname", "time"], 3);
        let (class, name) = (attributes["classname"].clone(), attributes["name"].clone());
        assert!(class.starts_with("llm-loadtest.") && !name.is_empty());
        let suite = self.suite();
        suite.tests += 1;
        suite.time += seconds(attributes);
        suite.names.push((class, name));
    }

    /// A result's text says its message again.
    fn close(&mut self, text: &str) {
        self.path.pop();
        self.children.pop();
        if let Some(message) = self.message.take() {
            let first = text.lines().next().unwrap_or_default();
            assert_eq!(
                first.split_whitespace().collect::<Vec<_>>(),
                message.split_whitespace().collect::<Vec<_>>()
            );
        }
        self.texts.push(text.to_owned());
    }

    fn suite(&mut self) -> &mut Counted {
        &mut self.suites.last_mut().unwrap().1
    }
}

/// The attributes tell what was counted, in every suite and in the root.
fn add_up(seen: Seen) -> Counted {
    let Seen { root: root_attributes, suites, path, children: _, message: _, texts } = seen;
    assert!(path.is_empty());
    let mut root = Counted { texts, ..Counted::default() };
    for (attributes, counted) in suites {
        let number = |name: &str| attributes[name].parse::<usize>().unwrap();
        assert_eq!(number("tests"), counted.tests);
        assert_eq!(number("failures"), counted.failures);
        assert_eq!(number("errors"), counted.errors);
        assert_eq!(number("skipped"), counted.skipped);
        assert!((seconds(&attributes) - counted.time).abs() < 1e-9);
        root.tests += counted.tests;
        root.failures += counted.failures;
        root.errors += counted.errors;
        root.skipped += counted.skipped;
        root.time += counted.time;
        root.names.extend(counted.names);
    }
    let number = |name: &str| root_attributes[name].parse::<usize>().unwrap();
    assert_eq!(
        (number("tests"), number("failures"), number("errors")),
        (root.tests, root.failures, root.errors)
    );
    assert!((seconds(&root_attributes) - root.time).abs() < 1e-9);
    let distinct: BTreeSet<&(String, String)> = root.names.iter().collect();
    assert_eq!(distinct.len(), root.names.len(), "{:?}", root.names);
    root
}

fn xml(run: &RunDocument) -> String {
    junit::render(run, Some("perf/gate \"a\" & <b>.yml")).unwrap()
}

#[test]
fn junit_counts_what_it_holds_whatever_the_text() {
    let stories = stories::all().into_iter().map(|(_, run)| run);
    for run in everything().into_iter().chain(stories) {
        let xml = xml(&run);
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(xml.chars().all(allowed));
        assert!(read(&xml).tests > 0, "{xml}");
    }
}

#[test]
fn what_xml_can_carry_of_a_servers_text_arrives() {
    let text = "a\u{1b}[31mred\u{1b}[0m \0 ]]> <b> & 🚀 end";
    for decision in DECISIONS {
        let mut run = sample::gate(decision);
        let verdict = run.verdict.as_mut().unwrap();
        verdict.broken_rules = vec![text.to_owned()];
        run.findings[0].message = text.to_owned();
        let counted = read(&xml(&run));
        let heard = |text: &&String| text.contains("ared  ]]> <b> & 🚀 end");
        assert_eq!(counted.texts.iter().filter(heard).count(), 3, "{:?}", counted.texts);
    }
}

#[test]
fn names_stay_from_run_to_run() {
    let names = |run: &RunDocument| read(&xml(run)).names;
    let [pass, fail, open] = [Decision::Pass, Decision::Fail, Decision::Inconclusive]
        .map(|decision| names(&sample::gate(decision)));
    assert!(pass == fail && fail == open);
    let listed: Vec<String> = pass.iter().map(|(class, name)| format!("{class}: {name}")).collect();
    insta::assert_snapshot!(listed.join("\n"), @"
    llm-loadtest.chat.c=32: ttft_p95
    llm-loadtest.chat.c=32: goodput
    llm-loadtest.chat.c=32: ttft_p99 objective
    llm-loadtest.chat.rules: rules
    ");
    let mut twice = sample::gate(Decision::Pass);
    let verdict = twice.verdict.as_mut().unwrap();
    verdict.cells.push(verdict.cells[2].clone());
    assert!(names(&twice).iter().any(|(_, name)| name == "ttft_p99 objective 2"));
}

#[test]
fn junit_says_what_the_verdict_says() {
    let counts = |run: &RunDocument| {
        let counted = read(&xml(run));
        (counted.tests, counted.failures, counted.errors, counted.skipped)
    };
    let gate = |decision| counts(&sample::gate(decision));
    assert_eq!(gate(Decision::Pass), (4, 0, 0, 0));
    assert_eq!(gate(Decision::Fail), (4, 1, 0, 0));
    assert_eq!(gate(Decision::Inconclusive), (4, 0, 0, 1));
    assert_eq!(gate(Decision::Invalid), (4, 0, 3, 1));
    for (name, run) in stories::all() {
        let wanted = match name {
            "pass" => (6, 0, 0, 0),
            "fail" | "errors" | "pairs" => (6, 1, 0, 0),
            "inconclusive" => (6, 0, 0, 1),
            "invalid" | "interrupted" => (6, 0, 5, 1),
            "no-baseline" => (2, 0, 0, 0),
            _ => (1, 0, 0, 0),
        };
        assert_eq!(counts(&run), wanted, "{name}");
    }
}

#[test]
fn a_failed_gate_as_xml() {
    insta::assert_snapshot!(xml(&sample::gate(Decision::Fail)), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="llm-loadtest" tests="4" failures="1" errors="0" time="25">
    <testsuite id="0" file="perf/gate &quot;a&quot; &amp; &lt;b&gt;.yml" skipped="0" name="chat c=32" package="llm-loadtest" tests="3" errors="0" failures="1" hostname="localhost" timestamp="2026-01-02T03:04:05Z" time="25"><properties><property name="model" value="org/model-8b"/><property name="hardware" value="h100"/><property name="server" value="vllm 0.9"/><property name="workload_hash" value="abc123"/><property name="seed" value="18446744073709551615"/><property name="judged" value="2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers."/><property name="llm-loadtest" value="0.1.0"/></properties><testcase name="ttft_p95" time="25" classname="llm-loadtest.chat.c=32"><failure type="regression" message="TTFT p95: slower, beyond limit; baseline 412 ms, now 503 ms, change +22.1% [+20.1%, +24.1%], limit +15%"><![CDATA[TTFT p95: slower, beyond limit; baseline 412 ms, now 503 ms, change +22.1% [+20.1%, +24.1%], limit +15%
    Next: fix it, or accept the change by saving a new baseline
    2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers.]]></failure></testcase><testcase name="goodput" time="0" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[Goodput: lower, within limit; baseline 98.9%, now 97.6%, change -1.3 pp [-1.9 pp, -0.7 pp], limit -2 pp]]></system-out></testcase><testcase name="ttft_p99 objective" time="0" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[TTFT p99 objective: met; baseline -, now 551 ms, change -31.1% [-∞, -20.0%], limit <= 800 ms]]></system-out></testcase><system-out><![CDATA[warning: 2% of answers were shorter than asked (c=32, round 1)]]></system-out></testsuite>
    <testsuite id="1" file="perf/gate &quot;a&quot; &amp; &lt;b&gt;.yml" skipped="0" name="chat rules" package="llm-loadtest" tests="1" errors="0" failures="0" hostname="localhost" timestamp="2026-01-02T03:04:05Z" time="0"><properties><property name="model" value="org/model-8b"/><property name="hardware" value="h100"/><property name="server" value="vllm 0.9"/><property name="workload_hash" value="abc123"/><property name="seed" value="18446744073709551615"/><property name="judged" value="2 rounds against 2 stored sessions; assumes 3% day-to-day noise until 5 sessions are stored. A false alarm or a false pass: at most 5% each per gate, over 3 numbers."/><property name="llm-loadtest" value="0.1.0"/></properties><testcase name="rules" time="0" classname="llm-loadtest.chat.rules"><system-out><![CDATA[no rule is broken]]></system-out></testcase><system-out><![CDATA[warning: 2% of answers were shorter than asked (c=32, round 1)]]></system-out></testsuite>
    </testsuites>
    "#);
    insta::assert_snapshot!(junit::render(&sample::run(), None).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="llm-loadtest" tests="1" failures="0" errors="0" time="12.5">
    <testsuite id="0" skipped="0" name="chat c=32" package="llm-loadtest" tests="1" errors="0" failures="0" hostname="localhost" timestamp="2026-01-02T03:04:05Z" time="12.5"><properties><property name="model" value="org/model-8b"/><property name="hardware" value="h100"/><property name="server" value="vllm 0.9"/><property name="workload_hash" value="abc123"/><property name="seed" value="18446744073709551615"/><property name="llm-loadtest" value="0.1.0"/></properties><testcase name="ttft" time="12.5" classname="llm-loadtest.chat.c=32"><system-out><![CDATA[TTFT < 500ms: 92/100]]></system-out></testcase><system-out><![CDATA[warning: 2% of answers were shorter than asked (c=32, round 1)]]></system-out></testsuite>
    </testsuites>
    "#);
}

#[test]
fn junit_has_cases_without_numbers_too() {
    let mut run = sample::gate(Decision::Invalid);
    run.verdict.as_mut().unwrap().cells.clear();
    let counts = |run: &RunDocument| {
        let counted = read(&xml(run));
        (counted.tests, counted.failures, counted.errors, counted.skipped)
    };
    assert_eq!(counts(&run), (1, 0, 1, 0));
    run.verdict.as_mut().unwrap().decision = DecisionDocument::Pass;
    assert_eq!(counts(&run), (1, 0, 0, 1), "nothing was judged");
    run.verdict.as_mut().unwrap().decision = DecisionDocument::Fail;
    run.verdict.as_mut().unwrap().broken_rules = vec!["8% of requests failed".to_owned()];
    assert_eq!(counts(&run), (1, 1, 0, 0));

    let mut dead = sample::run();
    dead.levels[0].succeeded = 0;
    assert_eq!(read(&xml(&dead)).errors, 1);
}
