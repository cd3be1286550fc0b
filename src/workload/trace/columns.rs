//! Which column of a trace means what.

use super::{TimeUnit, TraceError, TraceFormat};

/// The columns of a file by their own names, and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) format: TraceFormat,
    pub(super) time: String,
    /// Of bare numbers in the column of times, where name or format says it.
    pub(super) unit: Option<TimeUnit>,
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    pub(super) text: Option<String>,
    pub(super) session: Option<String>,
    pub(super) blocks: Option<String>,
}

const TIMES: [&str; 6] = ["timestamp", "time", "ts", "arrival_time", "arrived_at", "start_time"];
const INPUTS: [&str; 9] = [
    "input_length",
    "input_tokens",
    "prompt_tokens",
    "input_len",
    "prompt_len",
    "contexttokens",
    "request_tokens",
    "isl",
    "num_prefill_tokens",
];
const OUTPUTS: [&str; 10] = [
    "output_length",
    "output_tokens",
    "completion_tokens",
    "output_len",
    "max_tokens",
    "generatedtokens",
    "generated_tokens",
    "response_tokens",
    "osl",
    "num_decode_tokens",
];
const TEXTS: [&str; 3] = ["prompt", "text_input", "text"];
const SESSIONS: [&str; 3] = ["session", "session_id", "conversation_id"];

impl Columns {
    /// From the header of a CSV file or the keys of the first JSON object.
    pub(super) fn find(names: &[&str], json: bool) -> Result<Self, TraceError> {
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let pick = |wanted: &[&str]| {
            let at = wanted.iter().find_map(|wanted| plain.iter().position(|name| name == wanted))?;
            Some(names[at].to_owned())
        };
        let missing = |what, wanted| TraceError::NoColumn { what, wanted, found: names.join(", ") };
        let (time, said) = names
            .iter()
            .zip(&plain)
            .find_map(|(name, plain)| is_time(plain).then(|| ((*name).to_owned(), unit_in(plain))))
            .ok_or_else(|| missing("the time", "timestamp, time or ts"))?;
        let (input, text) = (pick(&INPUTS), pick(&TEXTS));
        if input.is_none() && text.is_none() {
            return Err(missing("the prompt's length", "input_length, input_tokens or prompt_tokens"));
        }
        let has = |name: &str| plain.iter().any(|other| other == name);
        let format = match json {
            true if has("input_length") && has("timestamp") => TraceFormat::Mooncake,
            true => TraceFormat::Jsonl,
            false if has("contexttokens") && has("generatedtokens") => TraceFormat::Azure,
            false if has("request_tokens") && has("response_tokens") => TraceFormat::BurstGpt,
            false => TraceFormat::Csv,
        };
        let of_format = match format {
            TraceFormat::Mooncake => Some(TimeUnit::Millis),
            TraceFormat::BurstGpt => Some(TimeUnit::Seconds),
            TraceFormat::Azure | TraceFormat::Jsonl | TraceFormat::Csv => None,
        };
        Ok(Self {
            format,
            time,
            unit: said.or(of_format),
            input,
            output: pick(&OUTPUTS),
            text,
            session: pick(&SESSIONS),
            blocks: pick(&["hash_ids"]),
        })
    }
}

/// Lower case, one word: `Request tokens` is `request_tokens`.
fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// One of the names of a time, with or without a unit behind it.
fn is_time(plain: &str) -> bool {
    let cut = unit_in(plain).and_then(|unit| plain.strip_suffix(unit.id())?.strip_suffix('_'));
    TIMES.contains(&cut.unwrap_or(plain))
}

/// The unit at the end of a name: `timestamp_ms`.
fn unit_in(plain: &str) -> Option<TimeUnit> {
    let (_, unit) = plain.rsplit_once('_')?;
    TimeUnit::ALL.into_iter().find(|known| known.id() == unit)
}
