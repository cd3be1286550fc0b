//! Does any decoder panic, hang, grow, or read the same bytes in two ways? Real samples, spoilt at random, for so many seconds.
//!
//! `cargo bench --bench fuzz -- SECONDS [SEED]` feeds every decoder of every API, and the framing of HTTP/1.1. What goes
//! wrong is shown with the seed and the bytes that made it, and ends the run with a failure.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a bench times itself, prints what it found and stops where something is wrong"
)]

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::fs;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use llm_loadtest::base::{Chance, Seed};
use llm_loadtest::protocol::http1::{Part, Responses};
use llm_loadtest::protocol::{Api, Decode, codec};

/// Time without `SECONDS`: enough to see that it works.
const SECONDS: u64 = 10;
/// One input takes milliseconds; a decoder whose work is not linear takes minutes.
const PATIENCE: Duration = Duration::from_secs(20);
/// All that the program may hold: the samples, one input of a few MiB, and what each decoder keeps of it.
const RESIDENT_MAX: u64 = 512 << 20;
/// Bytes of an input that a failure shows.
const SHOWN: usize = 64 << 10;

/// Words of the protocols, put where they do not belong.
const WORDS: [&[u8]; 20] = [
    b"data: ",
    b"\n\n",
    b"\r\n",
    b"event: error\n",
    b"[DONE]",
    b"{\"error\":",
    b"\"choices\":[",
    b"\"usage\":{\"prompt_tokens\":99999999999,\"completion_tokens\":1}",
    b"\"type\":\"message_stop\"",
    b"\"type\":\"response.completed\"",
    b"\"delta\":{\"content\":\"",
    b"\\ud800",
    b"\\u00",
    b"null",
    b"1e999",
    b"-0.0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    b"ffffffffffffffff\r\n",
];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (seconds, seed) = (numbers.next().unwrap_or(SECONDS), numbers.next().unwrap_or(1));
    let samples = samples();
    let mut targets = targets();
    println!("{} samples, {} decoders, {seconds} s, seed {seed}", samples.len(), targets.len());
    let start = Instant::now();
    let mut inputs = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut chance = Seed(seed).at(inputs).chance();
        let bytes = spoilt(&samples, &mut chance);
        let cuts = cuts(bytes.len(), &mut chance);
        let clean = chance.below(4) > 0;
        for target in &mut targets {
            if let Err(why) = target.try_out(&bytes, &cuts, clean) {
                let shown: String = bytes.iter().take(SHOWN).fold(String::new(), |mut hex, byte| {
                    // Writing into a string does not fail.
                    let _written: std::fmt::Result = write!(hex, "{byte:02x}");
                    hex
                });
                panic!(
                    "{}: {why}; seed {seed}, input {inputs}, cuts {cuts:?}, clean {clean}, {} bytes: {shown}",
                    target.name,
                    bytes.len()
                );
            }
        }
        inputs += 1;
        if inputs.is_multiple_of(256) {
            let resident = resident();
            assert!(resident <= RESIDENT_MAX, "{resident} bytes are held after {inputs} inputs, seed {seed}");
        }
    }
    println!("{:<24} {:>10} {:>10} {:>10}", "decoder", "inputs", "inputs/s", "MB/s");
    for Target { name, bytes, busy, .. } in &targets {
        let seconds = busy.as_secs_f64();
        println!(
            "{name:<24} {inputs:>10} {:>10.0} {:>10.1}",
            inputs as f64 / seconds,
            *bytes as f64 / seconds / 1e6
        );
    }
    println!("nothing found; {} MiB resident at the end", resident() >> 20);
}

/// What is fed, and what it took.
struct Target {
    name: String,
    what: What,
    bytes: u64,
    busy: Duration,
}

enum What {
    /// A decoder that is used again and again, and how to make a new one.
    Decoder(Box<dyn Decode>, fn(Api) -> Box<dyn Decode>, Api),
    Refusal(Api),
    Framing,
}

fn targets() -> Vec<Target> {
    let target = |name: String, what: What| Target { name, what, bytes: 0, busy: Duration::ZERO };
    let decoder = |api: Api, form: &str, make: fn(Api) -> Box<dyn Decode>| {
        target(format!("{} {form}", api.id()), What::Decoder(make(api), make, api))
    };
    let of_api = |api: Api| {
        [
            decoder(api, "stream", |api| codec(api).stream()),
            decoder(api, "whole", |api| codec(api).whole()),
            target(format!("{} refusal", api.id()), What::Refusal(api)),
        ]
    };
    let framing = target("http/1.1".to_owned(), What::Framing);
    Api::ALL.into_iter().flat_map(of_api).chain([framing]).collect()
}

impl Target {
    /// Feeds the bytes in one piece and in several, and compares.
    fn try_out(&mut self, bytes: &[u8], cuts: &[usize], clean: bool) -> Result<(), String> {
        let start = Instant::now();
        let what = &mut self.what;
        let tried = catch_unwind(AssertUnwindSafe(|| match what {
            What::Decoder(used, make, api) => {
                used.reset();
                let once = told(used.as_mut(), &[bytes], clean);
                let cut = told(make(*api).as_mut(), &pieces(bytes, cuts), clean);
                once == cut
            }
            What::Refusal(api) => codec(*api).refusal(500, bytes).detail.len() <= 400,
            What::Framing => framed(&[bytes]) == framed(&pieces(bytes, cuts)),
        }));
        let took = start.elapsed();
        self.busy += took;
        self.bytes += 2 * bytes.len() as u64;
        match tried {
            Err(_) => Err("it panicked".to_owned()),
            Ok(false) => Err("the cut shows".to_owned()),
            Ok(true) if took > PATIENCE => Err(format!("it took {took:?}")),
            Ok(true) => Ok(()),
        }
    }
}

/// A digest of all that a decoder says.
fn told(decoder: &mut dyn Decode, pieces: &[&[u8]], clean: bool) -> u64 {
    let mut digest = DefaultHasher::new();
    for piece in pieces {
        decoder.feed(piece, &mut |event| format!("{event:?}").hash(&mut digest));
    }
    let end = decoder.finish(clean, &mut |event| format!("{event:?}").hash(&mut digest));
    format!("{end:?}").hash(&mut digest);
    digest.finish()
}

/// A digest of the responses on a connection; where a body is cut does not count.
fn framed(pieces: &[&[u8]]) -> u64 {
    let mut responses = Responses::default();
    let mut digest = DefaultHasher::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(part) = responses.next(&mut rest) {
            match part {
                Part::Body(body) => body.iter().for_each(|byte| byte.hash(&mut digest)),
                other => format!("{other:?}").hash(&mut digest),
            }
        }
    }
    responses.closed().hash(&mut digest);
    digest.finish()
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let mut from = 0;
    ends.map(|to| &bytes[std::mem::replace(&mut from, to)..to]).collect()
}

/// Up to eight cuts, or, of a short input, between all bytes.
fn cuts(length: usize, chance: &mut Chance) -> Vec<usize> {
    if length < 8_192 && chance.below(8) == 0 {
        return (1..length).collect();
    }
    let mut cuts: Vec<usize> = (0..chance.below(9)).map(|_| place(length, chance)).collect();
    cuts.sort_unstable();
    cuts
}

/// A sample after a few accidents.
fn spoilt(samples: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = pick(samples, chance).clone();
    for _ in 0..chance.below(6) {
        let at = place(bytes.len(), chance);
        match chance.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            2 => bytes.truncate(at),
            3 => {
                let other = pick(samples, chance);
                let from = place(other.len(), chance);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            4 => {
                let to = (at + chance.below(2_000) as usize).min(bytes.len());
                let again = bytes[at..to].repeat(1 + chance.below(4) as usize);
                insert(&mut bytes, at, &again);
            }
            5 => {
                let to = (at + chance.below(200) as usize).min(bytes.len());
                bytes.drain(at..to);
            }
            // Lines, strings and depths beyond every bound, now and then.
            6 => {
                let filling: &[u8] =
                    [&b"x"[..], b"[", b"{\"a\":", b"1,", b"\\", b"\xf0"][chance.below(6) as usize];
                let times = if chance.below(50) == 0 { 1_200_000 } else { chance.below(5_000) as usize };
                insert(&mut bytes, at, &filling.repeat(times / filling.len()));
            }
            _ => insert(&mut bytes, at, WORDS[chance.below(WORDS.len() as u64) as usize]),
        }
    }
    bytes
}

fn insert(bytes: &mut Vec<u8>, at: usize, more: &[u8]) {
    bytes.splice(at..at, more.iter().copied());
}

fn pick<'a>(samples: &'a [Vec<u8>], chance: &mut Chance) -> &'a Vec<u8> {
    &samples[chance.below(samples.len() as u64) as usize]
}

fn place(length: usize, chance: &mut Chance) -> usize {
    chance.below(length as u64 + 1) as usize
}

/// Every file below `tests/fixtures/wire`, in order, and answers of which there is no sample.
fn samples() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire");
    let list = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths
    };
    let folders = list(&root).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| list(&folder)).filter_map(|path| fs::read(path).ok());
    let made = [
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3,3,4,5,6]}],"model":"m","usage":{"prompt_tokens":6,"total_tokens":6}}"#,
        r#"{"data":[{"embedding":"AACAPwAAgD8="}],"usage":{"prompt_tokens":6}}"#,
        r#"{"results":[{"index":1,"document":{"text":"b"},"relevance_score":0.98}],"usage":{"total_tokens":56}}"#,
        r#"[{"score":0.9,"document":"b","index":1,"meta_info":{}}]"#,
        r#"{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":5,"output_tokens":2}}"#,
        r#"{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}"#,
    ];
    files.chain(made.map(|text| text.as_bytes().to_vec())).collect()
}

/// Memory that the program has, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib << 10)
}
