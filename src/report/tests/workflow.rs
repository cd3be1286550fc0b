//! What the runner reads, by a second reading of its grammar: no text may command anything but what we say.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{DECISIONS, HOSTILE, everything};
use crate::document::v1::{FindingDocument, RunDocument, StatusDocument, sample};
use crate::gate::Decision;
use crate::report::workflow::{Place, annotations, command, inert, outputs};

/// The commands that runner 2.336 knows, in lower case.
const KNOWN: [&str; 15] = [
    "internal-set-repo-path",
    "set-env",
    "set-output",
    "save-state",
    "add-path",
    "add-mask",
    "add-matcher",
    "remove-matcher",
    "warning",
    "error",
    "notice",
    "debug",
    "group",
    "endgroup",
    "echo",
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    name: String,
    properties: BTreeMap<String, String>,
    data: String,
}

impl Heard {
    fn new(name: &str, properties: &[(&str, &str)], data: &str) -> Self {
        let properties = properties.iter().map(|&(key, text)| (key.to_owned(), text.to_owned()));
        Self { name: name.to_owned(), properties: properties.collect(), data: data.to_owned() }
    }
}

/// What the runner hears in what a step prints, after `ActionCommand.cs` and `ActionCommandManager.cs`.
fn hear(stdout: &str) -> Vec<Heard> {
    let mut known: Vec<String> = KNOWN.map(str::to_owned).to_vec();
    known.push("stop-commands".to_owned());
    let mut stopped: Option<String> = None;
    let mut all = Vec::new();
    for line in stdout.split(['\n', '\r']) {
        let Some(heard) = newer(line, &known).or_else(|| older(line, &known)) else { continue };
        match &stopped {
            Some(token) if heard.name.eq_ignore_ascii_case(token) => {
                known.pop();
                stopped = None;
            }
            Some(_) => {}
            None if heard.name == "stop-commands" => {
                known.push(heard.data.clone());
                stopped = Some(heard.data);
            }
            None => all.push(heard),
        }
    }
    assert_eq!(stopped, None, "commands stay stopped");
    all
}

fn knows(known: &[String], name: &str) -> bool {
    known.iter().any(|one| one.eq_ignore_ascii_case(name))
}

fn newer(line: &str, known: &[String]) -> Option<Heard> {
    // The runner compares as people of a culture do, which overlooks characters that cannot be seen.
    let start = line.find(|c: char| c.is_ascii_graphic())?;
    let (info, data) = line[start..].strip_prefix("::")?.split_once("::")?;
    let (name, rest) = info.split_once(' ').unwrap_or((info, ""));
    let pairs = rest.trim().split(',').filter_map(|pair| pair.split_once('='));
    let properties = pairs
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), unescaped(&text.replace("%3A", ":").replace("%2C", ","))));
    knows(known, name).then(|| Heard {
        name: name.to_owned(),
        properties: properties.collect(),
        data: unescaped(data),
    })
}

fn older(line: &str, known: &[String]) -> Option<Heard> {
    let seen: String = line.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let (_, rest) = seen.split_once("##[")?;
    let (info, data) = rest.split_once(']')?;
    let name = info.split(' ').next()?;
    knows(known, name).then(|| Heard::new(name, &[], data))
}

fn unescaped(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

/// The file of outputs, after `FileCommandManager.cs`.
fn read_outputs(file: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = file.strip_suffix('\n').unwrap_or(file).split('\n');
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            _ if line.is_empty() => {}
            (Some(at), other) if other.is_none_or(|other| at < other) => {
                pairs.push((line[..at].to_owned(), line[at + 1..].to_owned()));
            }
            (_, Some(at)) => {
                let delimiter = &line[at + 2..];
                assert!(at > 0 && !delimiter.is_empty(), "{line}");
                let mut value = Vec::new();
                loop {
                    let next = lines.next().expect("the delimiter comes again");
                    if next == delimiter {
                        break;
                    }
                    value.push(next);
                }
                pairs.push((line[..at].to_owned(), value.join("\n")));
            }
            _ => panic!("neither = nor << in '{line}'"),
        }
    }
    pairs
}

fn places() -> BTreeMap<String, Place> {
    let place = |line| Place { path: "perf/gate.yml".to_owned(), line };
    BTreeMap::from([
        ("ttft_p95".to_owned(), place(12)),
        ("objective".to_owned(), place(20)),
        ("max-error-rate".to_owned(), place(31)),
    ])
}

fn shown(run: &RunDocument) -> String {
    annotations(run, &places()).join("\n")
}

#[test]
fn the_second_reading_reads() {
    assert_eq!(
        hear("  ::error file=a%2Cb,line=7::x%0Ay%25"),
        [Heard::new("error", &[("file", "a,b"), ("line", "7")], "x\ny%")]
    );
    assert_eq!(hear("INFO ##[warning]x"), [Heard::new("warning", &[], "x")]);
    assert_eq!(hear("#\u{200b}#[error]x").len(), 1);
    assert_eq!(hear("::unknown::x\n::error:x"), []);
    assert_eq!(hear("::stop-commands::t\n::error::x\n::T::\n::notice::y"), [Heard::new("notice", &[], "y")]);
    let pairs = read_outputs("a=b=c\nd<<E\n1\n\nE\nf=<<\n");
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(pairs, [("a", "b=c"), ("d", "1\n"), ("f", "<<")]);
}

#[test]
fn a_failed_number_is_an_error_at_the_line_of_its_limit() {
    insta::assert_snapshot!(shown(&sample::gate(Decision::Fail)), @"
    ::error file=perf/gate.yml,line=12,title=TTFT p95%3A slower%2C beyond limit (chat)::412 ms → 503 ms, +22.1%25 [+20.1%25, +24.1%25], limit +15%25%0ANext: fix it, or accept the change by saving a new baseline
    ::warning title=warning (c=32%2C round 1)::2%25 of answers were shorter than asked%0AHint: set ignore_eos: true
    ");
    insta::assert_snapshot!(shown(&sample::gate(Decision::Inconclusive)), @"
    ::warning file=perf/gate.yml,line=12,title=gate 'chat'%3A inconclusive::could not decide: TTFT p95 is 18.0%25 slower, limit 15%25, not confirmed%0ANext: run again for more rounds
    ::warning title=warning (c=32%2C round 1)::2%25 of answers were shorter than asked%0AHint: set ignore_eos: true
    ");
    insta::assert_snapshot!(shown(&sample::gate(Decision::Invalid)), @"
    ::warning title=gate 'chat'%3A invalid::not judged: the client was saturated%0ANext: use a machine with more cores
    ::warning title=warning (c=32%2C round 1)::2%25 of answers were shorter than asked%0AHint: set ignore_eos: true
    ");
    insta::assert_snapshot!(shown(&sample::gate(Decision::Pass)), @"
    ::notice title=gate 'chat'%3A passed::no regression beyond the limits%0ANext: nothing to do
    ::warning title=warning (c=32%2C round 1)::2%25 of answers were shorter than asked%0AHint: set ignore_eos: true
    ");
    insta::assert_snapshot!(shown(&sample::run()), @"::warning title=warning (c=32%2C round 1)::2%25 of answers were shorter than asked%0AHint: set ignore_eos: true");
}

#[test]
fn broken_rules_and_missed_objectives_stand_at_their_settings() {
    let mut run = sample::gate(Decision::Fail);
    let verdict = run.verdict.as_mut().unwrap();
    verdict.broken_rules = vec!["8% of requests failed (limit 5%)".to_owned()];
    verdict.cells[0].status = StatusDocument::Pass;
    verdict.cells[2].status = StatusDocument::Fail;
    let mut places = places();
    places.remove("ttft_p95");
    let heard = hear(&annotations(&run, &places).join("\n"));
    let at: Vec<(&str, &str)> = heard
        .iter()
        .map(|one| (one.name.as_str(), one.properties.get("line").map_or("", String::as_str)))
        .collect();
    // `ttft_p99`, the objective, has no line of its own.
    assert_eq!(at, [("error", "31"), ("error", "20"), ("warning", "")]);
    run.verdict.as_mut().unwrap().cells.clear();
    run.verdict.as_mut().unwrap().broken_rules.clear();
    let heard = hear(&shown(&run));
    assert_eq!((heard[0].name.as_str(), heard.len()), ("error", 2), "a failure is never without an error");
}

#[test]
fn ten_of_a_type_are_all_that_the_runner_shows() {
    let mut run = sample::gate(Decision::Fail);
    let verdict = run.verdict.as_mut().unwrap();
    verdict.cells = vec![verdict.cells[0].clone(); 20];
    run.findings =
        (0..30).map(|at| FindingDocument { code: at.to_string(), ..run.findings[0].clone() }).collect();
    run.partial = true;
    let heard = hear(&shown(&run));
    let count = |name: &str| heard.iter().filter(|one| one.name == name).count();
    assert_eq!((count("error"), count("warning"), heard.len()), (9, 9, 18));
    assert!(heard[8].data.starts_with("and 12 more"), "{heard:?}");
    run.verdict = None;
    assert!(hear(&shown(&run))[0].data.contains("interrupted"));
}

#[test]
fn a_message_is_cut_before_the_runner_does() {
    let long = "%".repeat(5_000);
    let heard = hear(&command("error", &[("file", ""), ("title", "a:b,c")], &long));
    assert_eq!(heard, [Heard::new("error", &[("title", "a:b,c")], &format!("{}…", &long[..4_000]))]);
    assert_eq!(command("endgroup", &[], ""), "::endgroup::");
}

#[test]
fn no_document_says_more_than_its_own_annotations() {
    let odd = BTreeMap::from([("tolerance".to_owned(), Place { path: HOSTILE.to_owned(), line: 1 })]);
    for run in everything() {
        let lines = annotations(&run, &odd);
        assert!(!lines.concat().contains(['\n', '\r', '\u{1b}', '\0']), "{lines:?}");
        let heard = hear(&lines.join("\n"));
        assert_eq!(heard.len(), lines.len());
        assert!(heard.iter().all(|one| ["error", "warning", "notice"].contains(&one.name.as_str())));
    }
    assert!(DECISIONS.iter().all(|&decision| !shown(&sample::gate(decision)).is_empty()));
}

/// Text in which commands are likely.
fn text() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "::",
        "##[",
        "#",
        "[",
        "]",
        "error",
        "ERROR",
        "set-env",
        "add-mask",
        "stop-commands",
        "Token",
        "token",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "=",
        "<<",
        ",",
        "%0A",
        "%",
        "\u{200b}",
        "\u{ad}",
        "\u{1b}[31m",
        "\0",
        "é",
        "🚀",
    ]);
    prop_oneof![prop::collection::vec(bits, 0..24).prop_map(|bits| bits.concat()), "\\PC*", any::<String>()]
}

proptest! {
    #[test]
    fn a_command_says_exactly_what_it_was_given(title in text(), message in text()) {
        let line = command("warning", &[("file", "a.yml"), ("title", &title)], &message);
        prop_assert!(!line.contains(['\n', '\r']));
        let mut properties = vec![("file", "a.yml")];
        properties.extend((!title.is_empty()).then_some(("title", title.as_str())));
        // What follows a property's last comma is trimmed.
        let expected = Heard::new("warning", &properties, &message);
        let heard = hear(&line);
        prop_assert_eq!(heard.len(), 1);
        prop_assert_eq!(&heard[0].data, &expected.data);
        let trimmed = |one: &Heard| one.properties.get("title").map(|text| text.trim().to_owned()).unwrap_or_default();
        prop_assert_eq!(trimmed(&heard[0]), trimmed(&expected));
    }

    #[test]
    fn inert_text_commands_nothing_and_plain_text_stays_as_it_is(text in text(), plain in "[a-z :|.]{0,40}") {
        prop_assert_eq!(hear(&inert(&text)), []);
        prop_assume!(!plain.trim_start().starts_with("::"));
        prop_assert_eq!(inert(&plain), plain);
    }

    #[test]
    fn outputs_come_back_as_they_went(first in text(), second in text()) {
        let file = outputs(&[("verdict", &first), ("headline", &second)], "Token");
        let wanted = [("verdict".to_owned(), first), ("headline".to_owned(), second)];
        prop_assert_eq!(read_outputs(&file), wanted);
    }
}
