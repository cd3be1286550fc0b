//! What does a chunk cost? Nanoseconds from the bytes of a stream to its events, by the form in which the chunks come.
//!
//! `taskset -c 1 cargo bench --bench decode` prints the median and the least of 101 short rounds per form.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark times itself, prints what it found and stops where its stage is wrong"
)]

use std::hint::black_box;
use std::time::Instant;

use llm_loadtest::protocol::{Api, Decode, Event, codec};

/// Short and many, so that some rounds are undisturbed on a shared machine.
const ROUNDS: usize = 101;
/// Chunks of one stream.
const CHUNKS: usize = 4_096;
const WORDS: [&str; 8] = ["onents", "__:\\n", " Stream", " the", "é", " a \\\"b\\\"", " conditions", "."];

/// A form of chunk: its name, its bytes by number, and how many come in one buffer (0: every byte alone).
type Form = (&'static str, fn(usize) -> String, usize);

const FORMS: [Form; 8] = [
    ("same but for the text, 16 per buffer", plain, 16),
    ("same but for the text, 1 per buffer", plain, 1),
    ("same but for the text, every byte alone", plain, 0),
    ("two choices in turn, 16 per buffer", two_choices, 16),
    ("something else changes too, 16 per buffer", padded, 16),
    ("continuous usage, 16 per buffer", used, 16),
    ("token ids, 16 per buffer", with_ids, 16),
    ("something else changes too, 1 per buffer", padded, 1),
];

fn main() {
    println!("{:<44} {:>6} {:>9} {:>9}", "form", "bytes", "median ns", "least ns");
    for (name, chunk, batch) in FORMS {
        let events: Vec<Vec<u8>> =
            (0..CHUNKS).map(|number| format!("data: {}\n\n", chunk(number)).into_bytes()).collect();
        let bytes = events.iter().map(Vec::len).sum::<usize>() / CHUNKS;
        let buffers: Vec<Vec<u8>> = match batch {
            0 => events.concat().chunks(1).map(<[u8]>::to_vec).collect(),
            batch => events.chunks(batch).map(<[Vec<u8>]>::concat).collect(),
        };
        // As on a connection: one decoder, response after response.
        let mut decoder = codec(Api::Chat).stream();
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(decoder.as_mut(), &buffers)).collect();
        rounds.sort_by(f64::total_cmp);
        println!("{name:<44} {bytes:>6} {:>9.0} {:>9.0}", rounds[ROUNDS / 2], rounds[0]);
    }
}

/// Nanoseconds per chunk of a stream that comes in these buffers.
fn round(decoder: &mut dyn Decode, buffers: &[Vec<u8>]) -> f64 {
    let mut tokens = 0;
    let start = Instant::now();
    for buffer in buffers {
        decoder.feed(black_box(buffer), &mut |event| {
            if let Event::Tokens(found) = event {
                tokens += 1;
                black_box(found);
            }
        });
    }
    decoder.reset();
    let elapsed = start.elapsed();
    assert_eq!(tokens, CHUNKS, "every chunk of a form carries tokens");
    elapsed.as_nanos() as f64 / CHUNKS as f64
}

fn chunk(index: usize, content: &str, rest: &str, end: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-9ee2e554f753884c","object":"chat.completion.chunk","created":1795306404,"model":"tiny","choices":[{{"index":{index},"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null{rest}}}]{end}}}"#
    )
}

fn word(number: usize) -> &'static str {
    WORDS[number % WORDS.len()]
}

/// vLLM, chat.
fn plain(number: usize) -> String {
    chunk(0, word(number), r#","token_ids":null"#, "")
}

fn two_choices(number: usize) -> String {
    chunk(number % 2, word(number), r#","token_ids":null"#, "")
}

/// `OpenAI` pads its chunks to hide their lengths.
fn padded(number: usize) -> String {
    chunk(0, word(number), "", &format!(r#","obfuscation":"{:08x}""#, number * 2_654_435_761))
}

/// vLLM with `continuous_usage_stats`.
fn used(number: usize) -> String {
    let output = number + 1;
    let usage = format!(
        r#","usage":{{"prompt_tokens":17,"total_tokens":{},"completion_tokens":{output},"completion_tokens_details":null}}"#,
        17 + output
    );
    chunk(0, word(number), r#","token_ids":null"#, &usage)
}

/// vLLM with `return_token_ids`.
fn with_ids(number: usize) -> String {
    chunk(0, word(number), &format!(r#","token_ids":[{}]"#, number * 7 % 32_000), "")
}
