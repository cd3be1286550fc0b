//! `JUnit` XML in the dialect that CI systems agree on: one suite per workload and level, one case per judged number.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use super::cell::{Cell, gates, judged_how, slo};
use super::found::{Found, grouped};
use super::number::plural;
use super::text::unstyled;
use crate::document::v1::{
    DecisionDocument, JudgementDocument, LevelDocument, RuleDocument, RunDocument, StatusDocument,
    VerdictDocument,
};

/// The report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    #[error("write JUnit XML: {0}")]
    Write(#[from] junit_report::Error),
    #[error("write JUnit XML: the library's layout changed near '{found}'")]
    Layout { found: String },
}

/// What the library writes around a single suite; suites are written one by one so that no text of a case is mistaken for it.
const OPENING: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" "#;
const CLOSING: &str = "</testsuites>";

/// The XML. Counts and times of the root are the sums of its suites; `file` is the configuration file, where there is one.
pub fn render(run: &RunDocument, file: Option<&str>) -> Result<String, JunitError> {
    let suites = suites(run);
    let sum = |count: fn(&TestSuite) -> usize| suites.iter().map(count).sum::<usize>();
    let time: f64 = suites.iter().map(|suite| suite.time().as_seconds_f64()).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"llm-loadtest\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{time}\">\n",
        sum(TestSuite::tests),
        sum(TestSuite::failures),
        sum(TestSuite::errors)
    );
    let file = file.map(|file| format!(" file=\"{}\"", attribute(file))).unwrap_or_default();
    let properties = properties(run);
    for (id, suite) in suites.into_iter().enumerate() {
        out.push_str(&element(&format!("id=\"{id}\"{file}"), &properties, suite)?);
    }
    out.push_str("</testsuites>\n");
    Ok(out)
}

/// One suite as text, with what the library leaves out: some attributes, the skipped count and the properties.
fn element(attributes: &str, properties: &str, suite: TestSuite) -> Result<String, JunitError> {
    let skipped = suite.skipped();
    let mut report = Report::new();
    report.add_testsuite(suite);
    let mut bytes = Vec::new();
    report.write_xml(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (own, cases) = text
        .strip_prefix(OPENING)
        .and_then(|rest| rest.strip_suffix(CLOSING))
        // Attributes hold no `>` of their own: the library escapes it.
        .and_then(|rest| rest.split_once('>'))
        .ok_or_else(|| JunitError::Layout { found: text.chars().take(120).collect() })?;
    Ok(format!("<testsuite {attributes} skipped=\"{skipped}\" {own}>{properties}{cases}\n"))
}

/// What was measured, on what, and against what.
fn properties(run: &RunDocument) -> String {
    let seed = run.plan.seed.to_string();
    let how = run.verdict.as_ref().map(judged_how);
    let all = [
        ("model", Some(run.fingerprint.model.as_str())),
        ("hardware", Some(run.fingerprint.hardware.as_str())),
        ("server", run.environment.server.as_deref()),
        ("workload_hash", Some(run.fingerprint.workload_hash.as_str())),
        ("seed", Some(seed.as_str())),
        ("judged", how.as_deref()),
        ("llm-loadtest", Some(run.tool.as_str())),
    ];
    let said = all.into_iter().filter_map(|(name, value)| Some((name, attribute(value?))));
    let said: Vec<String> = said
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<property name=\"{name}\" value=\"{value}\"/>"))
        .collect();
    format!("<properties>{}</properties>", said.concat())
}

fn suites(run: &RunDocument) -> Vec<TestSuite> {
    let mut suites: Vec<TestSuite> = match &run.verdict {
        None => {
            let levels = run.levels.iter();
            let one = |level: &LevelDocument| suite(run, &level.label, measured(level));
            levels.map(one).collect()
        }
        Some(verdict) => {
            let labels = labels(verdict).into_iter();
            labels.map(|label| suite(run, label, judged(verdict, label))).collect()
        }
    };
    if let Some(verdict) = &run.verdict {
        suites.push(suite(run, "rules", vec![rules(verdict, suites.is_empty())]));
    }
    suites.retain(|suite| !suite.testcases.is_empty());
    suites
}

/// The levels with a gating cell. They come from the verdict, so that no judged number can be missed.
fn labels(verdict: &VerdictDocument) -> BTreeSet<&str> {
    let gating = verdict.cells.iter().filter(|cell| gates(cell));
    gating.map(|cell| cell.level.as_str()).collect()
}

/// A suite named after the workload and a level. The first case carries the time, so that cases add up to their suite.
fn suite(run: &RunDocument, label: &str, mut cases: Vec<TestCase>) -> TestSuite {
    let level = run.levels.iter().find(|level| level.label == label);
    let seconds = level.map_or(0.0, |level| level.window.measured_s);
    let (workload, level) = (clean_line(&run.name), clean_line(label));
    let mut names = BTreeMap::new();
    for case in &mut cases {
        case.set_classname(&format!("llm-loadtest.{workload}.{level}"));
        // Readers drop what has the name of another, such as the second of two limits of one number.
        let seen = names.entry(case.name.clone()).or_insert(0);
        *seen += 1;
        if *seen > 1 {
            case.name = format!("{} {seen}", case.name);
        }
    }
    if let Some(first) = cases.first_mut() {
        // Eighths are exact in binary, so that the library prints at most three decimals, in sums too.
        first.time = Duration::milliseconds((seconds * 8.0).round() as i64 * 125);
    }
    TestSuite {
        name: format!("{workload} {level}"),
        package: "llm-loadtest".to_owned(),
        timestamp: timestamp(&run.created),
        // The client's name is nobody's business; the attribute is required.
        hostname: "localhost".to_owned(),
        testcases: cases,
        system_out: context(run),
        system_err: None,
    }
}

fn timestamp(created: &str) -> OffsetDateTime {
    let seconds = created.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// What must be known to read the numbers.
fn context(run: &RunDocument) -> Option<String> {
    let found = grouped(&run.findings);
    let lines: Vec<String> = found
        .iter()
        .map(|Found { first, place }| format!("{}: {} ({place})", first.severity, first.message))
        .collect();
    (!lines.is_empty()).then(|| clean(&lines.join("\n")))
}

fn judged(verdict: &VerdictDocument, level: &str) -> Vec<TestCase> {
    let cells = verdict.cells.iter().filter(|cell| gates(cell) && cell.level == level);
    cells.map(|cell| judged_case(verdict, cell)).collect()
}

fn judged_case(verdict: &VerdictDocument, judgement: &JudgementDocument) -> TestCase {
    // One name per number and kind of limit, without the limit: histories follow it.
    let (suffix, kind) = match judgement.rule {
        RuleDocument::Objective { .. } => (" objective", "objective"),
        RuleDocument::Tolerance { .. } | RuleDocument::Report => ("", "regression"),
    };
    let name = format!("{}{suffix}", judgement.metric);
    let cell = Cell::new(judgement, false);
    let message = format!(
        "{}: {}; baseline {}, now {}, change {} {}, limit {}",
        cell.title, cell.words, cell.baseline, cell.now, cell.change, cell.interval, cell.limit
    );
    let (ending, kind, message) = match (&verdict.decision, &judgement.status) {
        (DecisionDocument::Invalid, _) => (Ending::Error, "invalid", &verdict.headline),
        (_, StatusDocument::Pass | StatusDocument::PassSlower | StatusDocument::Reported) => {
            (Ending::Success, kind, &message)
        }
        (_, StatusDocument::Fail) => (Ending::Failure, kind, &message),
        (_, StatusDocument::Undecided { .. }) => (Ending::Skipped, "inconclusive", &message),
        (_, StatusDocument::NotJudged { .. }) => (Ending::Skipped, "not judged", &message),
    };
    case(&name, ending, kind, message, &after(verdict))
}

/// What a reader of a failure needs next.
fn after(verdict: &VerdictDocument) -> String {
    format!("Next: {}\n{}", verdict.next, judged_how(verdict))
}

/// The rules that hold besides the numbers, in one case that is always there; where no number was judged, the verdict itself.
fn rules(verdict: &VerdictDocument, alone: bool) -> TestCase {
    let (ending, kind) = match verdict.decision {
        _ if !verdict.broken_rules.is_empty() => (Ending::Failure, "rule"),
        DecisionDocument::Invalid if alone => (Ending::Error, "invalid"),
        DecisionDocument::Invalid => (Ending::Skipped, "not judged"),
        _ if !alone => (Ending::Success, "rule"),
        DecisionDocument::Pass | DecisionDocument::Inconclusive => (Ending::Skipped, "not judged"),
        DecisionDocument::Fail => (Ending::Failure, "fail"),
    };
    let message = match (verdict.broken_rules.as_slice(), ending) {
        ([], Ending::Success) => "no rule is broken".to_owned(),
        ([], _) => verdict.headline.clone(),
        (rules, _) => rules.join("; "),
    };
    case("rules", ending, kind, &message, &after(verdict))
}

/// A run without a gate judges nothing: its cases say what was measured, and fail only when nothing could be.
fn measured(level: &LevelDocument) -> Vec<TestCase> {
    let requests = format!("{} offered, {} succeeded", plural(level.offered, "request"), level.succeeded);
    if level.succeeded == 0 {
        return vec![case("requests", Ending::Error, "no data", &requests, "")];
    }
    let Some(goodput) = &level.goodput else {
        return vec![case("requests", Ending::Success, "requests", &requests, "")];
    };
    goodput
        .objectives
        .iter()
        .map(|objective| {
            let text = format!("{}: {}/{}", slo(&objective.slo), objective.met, goodput.offered);
            case(&objective.slo.metric, Ending::Success, "slo", &text, "")
        })
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Success,
    Failure,
    Error,
    Skipped,
}

/// One case. The text repeats the message, because some readers show only one of the two, and says `more`.
fn case(name: &str, ending: Ending, kind: &str, message: &str, more: &str) -> TestCase {
    let (type_, message) = (kind.to_owned(), clean_line(message));
    let cause = Some(clean(format!("{message}\n{more}").trim_end()));
    let mut system_out = None;
    let result = match ending {
        Ending::Success => {
            system_out = Some(clean(&message));
            TestResult::Success
        }
        Ending::Failure => TestResult::Failure { type_, message, cause },
        Ending::Error => TestResult::Error { type_, message, cause },
        Ending::Skipped => TestResult::SkippedWithCause { type_, message, cause },
    };
    TestCase {
        name: clean_line(name),
        time: Duration::ZERO,
        result,
        classname: None,
        filepath: None,
        system_out,
        system_err: None,
    }
}

/// For an attribute: one line of characters that XML 1.0 allows. The library escapes the rest.
fn clean_line(text: &str) -> String {
    allowed(text).replace(['\n', '\r', '\t'], " ")
}

/// For an attribute that we write ourselves.
fn attribute(text: &str) -> String {
    clean_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// For a CDATA section, which the library writes as it is: the end mark is split over two sections.
fn clean(text: &str) -> String {
    allowed(text).replace("]]>", "]]]]><![CDATA[>")
}

/// Without what XML 1.0 forbids (section 2.2), and without the escape sequences of terminals.
fn allowed(text: &str) -> String {
    let is_allowed = |c: &char| {
        matches!(c, '\t' | '\n' | '\r')
            || (*c >= ' ' && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'))
    };
    unstyled(text).chars().filter(is_allowed).collect()
}
