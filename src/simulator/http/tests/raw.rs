//! Requests written and answers read as bytes on a socket.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::simulator::http::Simulator;
use crate::simulator::model::SimSpec;

/// An answer taken apart; `whole` is false when the connection broke before the last chunk.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
    pub(super) whole: bool,
}

pub(super) fn sim(query: &str) -> Simulator {
    Simulator::start(SimSpec::parse(&format!("fast?model=tiny{query}")).unwrap(), 0).unwrap()
}

pub(super) fn open(sim: &Simulator, method: &str, path: &str, extra: &str, body: &[u8]) -> TcpStream {
    let address = sim.base_url().strip_prefix("http://").unwrap();
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n{extra}Content-Length: {}\r\n\r\n",
        body.len()
    );
    tcp.write_all(&[head.as_bytes(), body].concat()).unwrap();
    tcp
}

pub(super) fn call(sim: &Simulator, method: &str, path: &str, extra: &str, body: &[u8]) -> Answer {
    let mut tcp = open(sim, method, path, extra, body);
    let mut bytes = Vec::new();
    match tcp.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap();
    let (body, whole) =
        if head.contains("transfer-encoding: chunked") { dechunk(rest) } else { (rest.to_owned(), true) };
    Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body, whole }
}

fn dechunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    (body, false)
}

pub(super) fn get(sim: &Simulator, path: &str) -> Answer {
    call(sim, "GET", path, "", b"")
}

pub(super) fn ask(sim: &Simulator, path: &str, body: &Value) -> Answer {
    call(sim, "POST", path, "Content-Type: application/json\r\n", body.to_string().as_bytes())
}

pub(super) fn chat(max_tokens: u32, more: Value) -> Value {
    let mut body = json!({"model": "tiny", "max_tokens": max_tokens, "stream": true,
        "messages": [{"role": "user", "content": "one two  three\nfour"}]});
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    body
}

pub(super) const CHAT: &str = "/v1/chat/completions";
pub(super) const COMPLETIONS: &str = "/v1/completions";

/// The data of each event; the last must be the end mark.
pub(super) fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.head.contains("content-type: text/event-stream; charset=utf-8"));
    let data: Vec<_> =
        answer.body.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(data.last(), Some(&"[DONE]"));
    data[..data.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The value in an answer in one piece.
pub(super) fn whole(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The lines of an NDJSON body.
pub(super) fn lines(answer: &Answer) -> Vec<Value> {
    assert!(answer.head.contains("content-type: application/x-ndjson"), "{}", answer.head);
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The data of each event, whatever its name and without an end mark.
pub(super) fn plain_events(answer: &Answer) -> Vec<Value> {
    assert!(answer.head.contains("content-type: text/event-stream"), "{}", answer.head);
    let data = answer.body.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter(|data| data.trim() != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The keys of an object, sorted.
pub(super) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

pub(super) fn error(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"]["code"], answer.status);
    (answer.status, body["error"]["message"].as_str().unwrap().to_owned())
}
