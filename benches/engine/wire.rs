//! What the mock puts on the wire: a chat completion as vLLM streams it, a chunk of HTTP per event, about 215 bytes each.
//!
//! The bytes are made once. A write takes slices of them, so that the mock's cost is its system calls.

use std::collections::BTreeMap;
use std::io::IoSlice;

/// Most events that one write may carry, and the number of distinct ones.
pub(crate) const GROUP_MAX: u32 = 16;

const WORDS: [&str; GROUP_MAX as usize] = [
    "onents",
    "__:\\n",
    " Stream",
    "IX",
    "_SUB",
    " wrap",
    " ye",
    "Check",
    " the",
    ",",
    " of",
    " \\\"quoted\\\"",
    " measure",
    "ment",
    "\\n\\n",
    " é",
];

const HEAD: &str = "HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 00:13:23 GMT\r\nserver: uvicorn\r\n\
content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// The bytes of every answer.
pub(crate) struct Script {
    /// Head and role event: they go out with the first token, as vLLM's do.
    opening: Vec<u8>,
    /// The distinct events twice over, so that any [`GROUP_MAX`] in a row are one slice.
    ring: Vec<u8>,
    places: Vec<usize>,
    /// Last token with its finish reason, usage, `[DONE]` and the end of the body, by number of tokens.
    closings: BTreeMap<u32, Vec<u8>>,
    prompt_tokens: u32,
}

impl Script {
    pub(crate) fn new(prompt_tokens: u32) -> Self {
        let mut opening = HEAD.as_bytes().to_vec();
        opening.extend(event(&choice(r#""role":"assistant","content":"""#, "null", "")));
        let (mut ring, mut places) = (Vec::new(), vec![0]);
        for word in WORDS.iter().chain(&WORDS) {
            ring.extend(event(&token(word, "null", "")));
            places.push(ring.len());
        }
        Self { opening, ring, places, closings: BTreeMap::new(), prompt_tokens }
    }

    /// Makes the end of an answer of `total` tokens ready.
    pub(crate) fn prepare(&mut self, total: u32) {
        let prompt = self.prompt_tokens;
        self.closings.entry(total).or_insert_with(|| {
            let mut bytes = event(&token(WORDS[0], "\"length\"", r#""stop_reason":null,"#));
            let usage = format!(
                r#""choices":[],"usage":{{"prompt_tokens":{prompt},"total_tokens":{},"completion_tokens":{total}}},"system_fingerprint":"vllm-0.32.0-af08ac63""#,
                prompt + total
            );
            bytes.extend(event(&envelope(&usage)));
            bytes.extend(framed("data: [DONE]\n\n"));
            bytes.extend_from_slice(b"0\r\n\r\n");
            bytes
        });
    }

    /// The bytes of tokens `from..to` of an answer of `total`, with what belongs before the first and after the last, less
    /// the first `skip` bytes. At most [`GROUP_MAX`] tokens.
    pub(crate) fn piece(&self, from: u32, to: u32, total: u32, skip: usize) -> Piece<'_> {
        let last = to == total;
        let middle = to - u32::from(last) - from;
        let start = (from % GROUP_MAX) as usize;
        let parts: [&[u8]; 3] = [
            if from == 0 { &self.opening } else { &[] },
            &self.ring[self.places[start]..self.places[start + middle as usize]],
            if last { &self.closings[&total] } else { &[] },
        ];
        Piece { parts }.skip(skip)
    }
}

/// Up to three slices that go out in one write.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    parts: [&'a [u8]; 3],
}

impl<'a> Piece<'a> {
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    pub(crate) fn slices(&self) -> [IoSlice<'a>; 3] {
        self.parts.map(IoSlice::new)
    }

    /// The only slice, where there is only one.
    pub(crate) fn single(&self) -> Option<&'a [u8]> {
        let mut filled = self.parts.into_iter().filter(|part| !part.is_empty());
        match (filled.next(), filled.next()) {
            (Some(part), None) => Some(part),
            _ => None,
        }
    }

    fn skip(mut self, mut count: usize) -> Self {
        for part in &mut self.parts {
            let taken = count.min(part.len());
            *part = &part[taken..];
            count -= taken;
        }
        self
    }
}

fn token(word: &str, finish: &str, stop: &str) -> String {
    choice(&format!(r#""content":"{word}""#), finish, &format!(r#",{stop}"token_ids":null"#))
}

fn choice(delta: &str, finish: &str, more: &str) -> String {
    envelope(&format!(
        r#""choices":[{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}{more}}}]"#
    ))
}

fn envelope(rest: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-9ee2e554f753884c","object":"chat.completion.chunk","created":1795306404,"model":"mock",{rest}}}"#
    )
}

fn event(json: &str) -> Vec<u8> {
    framed(&format!("data: {json}\n\n"))
}

fn framed(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}
