//! Real samples of wires, in `tests/fixtures/wire`: each streamed one is read by the API of its table, however it is cut,
//! and none lies there unread.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::protocol::told::{Told, cut, decode};
use crate::protocol::{Api, anthropic, codec, openai, responses};
use crate::record::{Failure, Usage};

/// One line per streamed sample: chunks with tokens, tokens that the chunks themselves claim, chunks and comments without
/// tokens, bytes of text, finish reasons, usage as prompt/output/cached, the terminator, end.
const STREAMS: [(Api, &str); 3] =
    [(Api::Chat, openai::STREAMS), (Api::Responses, responses::STREAMS), (Api::Messages, anthropic::STREAMS)];

/// Samples that are responses without streaming.
const WHOLES: [&str; 1] = [openai::WHOLES];

#[test]
fn every_streamed_sample_decodes_to_its_line() {
    for (api, table) in STREAMS {
        for expected in table.lines().filter(|line| !line.is_empty()) {
            let name = name(expected);
            let clean = !name.contains("scheduler_killed");
            let read = line(name, &decode(codec(api).stream(), &[&body(name)], clean));
            assert_eq!(read, squeeze(expected));
        }
    }
}

#[test]
fn no_sample_is_forgotten() {
    let listed = |table: &'static str| table.lines().filter(|line| !line.is_empty()).map(name);
    let streams = STREAMS.into_iter().flat_map(|(_, table)| listed(table));
    let known: BTreeSet<&str> = streams.chain(WHOLES.into_iter().flat_map(listed)).collect();
    for name in names(|_| true) {
        // Refusals and lists of models have tests of their own that read all of them.
        let refused_or_models = || !is_streamed(&name) && (name.contains("models") || http(&name).0 != 200);
        assert!(known.contains(name.as_str()) || refused_or_models(), "{name}");
    }
}

#[test]
fn samples_byte_by_byte_are_the_same() {
    for (api, name) in whole_streams() {
        let body = body(&name);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        let stream = || codec(api).stream();
        assert_eq!(decode(stream(), &bytes, true), decode(stream(), &[&body], true), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_cut_of_any_sample_is_the_same(pick in any::<prop::sample::Index>(), cuts in prop::collection::vec(any::<usize>(), 0..6), clean: bool) {
        let samples = whole_streams();
        let (api, name) = pick.get::<(Api, String)>(&samples);
        let body = body(name);
        let stream = || codec(*api).stream();
        prop_assert_eq!(decode(stream(), &cut(&body, &cuts), clean), decode(stream(), &[&body], clean));
    }

    #[test]
    fn a_sample_that_ends_early_is_no_success(pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let samples = whole_streams();
        let (api, name) = pick.get::<(Api, String)>(&samples);
        let body = body(name);
        if body.is_empty() {
            return Ok(());
        }
        let head = &body[..at.index(body.len())];
        prop_assert!(decode(codec(*api).stream(), &[head], false).1.is_err());
    }
}

/// The streamed samples that are there from their first byte to their last.
fn whole_streams() -> Vec<(Api, String)> {
    let lines = STREAMS.into_iter().flat_map(|(api, table)| table.lines().map(move |line| (api, line)));
    let named = lines.filter(|(_, line)| !line.is_empty()).map(|(api, line)| (api, name(line).to_owned()));
    named.filter(|(_, name)| is_whole_stream(name)).collect()
}

/// Whether a sample is of an API of an engine's own: its family's own tests read it.
fn is_native(name: &str) -> bool {
    ["triton/", "sglang/native_", "sglang/ollama_", "llama-server/native_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn name(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

fn line(name: &str, (events, end): &(Vec<Told>, Result<(), Failure>)) -> String {
    let count = |want: fn(&Told) -> bool| events.iter().filter(|event| want(event)).count();
    let told = events.iter().filter_map(|event| match event {
        Told::Tokens(tokens) => tokens.count,
        _ => None,
    });
    [
        name.to_owned(),
        count(|event| matches!(event, Told::Tokens(_))).to_string(),
        told.reduce(|a, b| a + b).map_or("-".to_owned(), |told| told.to_string()),
        count(|event| matches!(event, Told::Idle)).to_string(),
        text(events).to_string(),
        finishes(events),
        usage(events),
        if events.contains(&Told::End) { "done" } else { "-" }.to_owned(),
        ending(end),
    ]
    .join(" ")
}

pub(in crate::protocol) fn text(events: &[Told]) -> usize {
    let texts = events.iter().map(|event| match event {
        Told::Tokens(tokens) => tokens.text.len(),
        _ => 0,
    });
    texts.sum()
}

pub(in crate::protocol) fn finishes(events: &[Told]) -> String {
    let reasons = events.iter().filter_map(|event| match event {
        Told::Finish(reason) => Some(reason.as_str()),
        _ => None,
    });
    let reasons: Vec<&str> = reasons.collect();
    if reasons.is_empty() { "-".to_owned() } else { reasons.join(",") }
}

pub(in crate::protocol) fn usage(events: &[Told]) -> String {
    let last = events.iter().rev().find_map(|event| match event {
        Told::Usage(usage) => Some(*usage),
        _ => None,
    });
    let number = |count: Option<u32>| count.map_or("-".to_owned(), |count| count.to_string());
    last.map_or("-".to_owned(), |Usage { prompt, output, cached }| {
        [prompt, output, cached].map(number).join("/")
    })
}

pub(in crate::protocol) fn ending(end: &Result<(), Failure>) -> String {
    end.as_ref().map_or_else(|failure| failure.class.id().to_owned(), |()| "ok".to_owned())
}

pub(in crate::protocol) fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `engine/file` of the samples that `want` wants, in order.
pub(in crate::protocol) fn names(want: fn(&str) -> bool) -> Vec<String> {
    let list = |folder: &Path| {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let engines = list(&root()).into_iter().filter(|path| path.is_dir());
    let files = engines.flat_map(|engine| list(&engine));
    let names = files.map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
    // Engines' own APIs are read by the tests of their families, pages of metrics by theirs.
    names.filter(|name| !is_native(name) && !name.contains("/metrics") && want(name)).collect()
}

pub(in crate::protocol) fn is_streamed(name: &str) -> bool {
    extension(name) != "http" || name.contains(".tail.")
}

pub(in crate::protocol) fn is_whole_stream(name: &str) -> bool {
    extension(name) == "body"
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire")
}

/// A streamed body. A tail begins at its first whole event, and its chunk sizes, the lines that end in CRLF, are left out.
pub(in crate::protocol) fn body(name: &str) -> Vec<u8> {
    let bytes = fs::read(root().join(name)).unwrap();
    if !name.contains(".tail") {
        return bytes;
    }
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.skip_while(|line| !line.starts_with(b"data:")).filter(|line| !line.ends_with(b"\r\n"));
    lines.flatten().copied().collect()
}

/// Status and body of a response that is not streamed.
pub(in crate::protocol) fn http(name: &str) -> (u16, Vec<u8>) {
    let bytes = fs::read(root().join(name)).unwrap();
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&bytes[..split]).to_ascii_lowercase();
    let body = bytes[split + 4..].to_vec();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    if head.contains("transfer-encoding: chunked") {
        // The only chunked one holds one chunk between its size and the closing zero.
        let lines: Vec<&[u8]> = body.split(|&byte| byte == b'\n').collect();
        return (status, lines[1].strip_suffix(b"\r").unwrap().to_vec());
    }
    (status, body)
}
