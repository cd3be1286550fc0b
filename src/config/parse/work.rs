//! What requests carry and how long they may take: API, lengths, prompts, sampling, waiting.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::words::{number, span, switch, whole};
use crate::base::Nanos;
use crate::config::error::{ConfigError, Entry, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::config::{Sampling, Timeouts};
use crate::protocol::Api;
use crate::workload::{Dataset, Lengths, Workload};

/// Longest prompt or answer: beyond every context window of today, and small enough to be built in memory.
const TOKENS_MAX: u64 = 2_000_000;

/// Settles lengths against `prompt-type` and the dataset, and builds the workload.
pub(in crate::config) fn workload(chosen: &mut Chosen) -> Result<(Api, Workload), ConfigError> {
    apply_prompt_type(chosen)?;
    let dataset = match super::trace::file(chosen)? {
        Some(trace) => Dataset::Trace(trace),
        None => chosen.parse("dataset", dataset)?.unwrap_or(Dataset::Synthetic),
    };
    if dataset == Dataset::Synthetic {
        chosen.fill_one("input-len");
        chosen.fill_one("output-len");
    } else {
        let source = chosen.given("trace").or(chosen.given("dataset"));
        let clash = match (chosen.given("input-len"), source) {
            (Some(length), Some(source)) => length <= source,
            _ => false,
        };
        if let Some(entry) = chosen.one("input-len").filter(|_| clash) {
            return Err(entry.wrong(match dataset {
                Dataset::Trace(_) => wrong(
                    "the prompts of a trace have their own lengths",
                    "remove it, or use --rate instead of --trace",
                ),
                Dataset::Jsonl(_) | Dataset::Synthetic => wrong(
                    "the prompts of a dataset have their own lengths",
                    "remove it, or use --dataset synthetic",
                ),
            }));
        }
        chosen.remove("input-len");
    }
    let input = chosen.parse("input-len", lengths)?.unwrap_or(Lengths::Fixed(256));
    let output = chosen.parse("output-len", output_lengths)?.flatten();
    check_context(chosen, &dataset, input, output)?;
    let api = chosen.parse("api", api)?.unwrap_or(Api::Chat);
    let workload =
        Workload { input, output, dataset, ignore_eos: chosen.parse("ignore-eos", switch)?.unwrap_or(true) };
    Ok((api, workload))
}

/// A prompt type stands for two lengths, and loses against lengths said in the same place or nearer.
fn apply_prompt_type(chosen: &mut Chosen) -> Result<(), ConfigError> {
    let Some((input, output)) = chosen.parse("prompt-type", prompt_type)? else {
        return Ok(());
    };
    let word = chosen.given("prompt-type").zip(chosen.one("prompt-type").cloned());
    for (key, text) in [("input-len", input), ("output-len", output)] {
        if let Some((rank, word)) = &word
            && chosen.given(key).is_none_or(|length| length > *rank)
        {
            chosen.say(*rank, Entry::new(key, text, word.origin.clone()));
        }
    }
    Ok(())
}

fn prompt_type(text: &str) -> Result<(&'static str, &'static str), Wrong> {
    match text.trim() {
        "short" => Ok(("128", "64")),
        "medium" => Ok(("512", "256")),
        "long" => Ok(("4096", "512")),
        _ => Err(wrong(
            "not a prompt type",
            "write short, medium or long, or give --input-len and --output-len",
        )),
    }
}

fn check_context(
    chosen: &Chosen,
    dataset: &Dataset,
    input: Lengths,
    output: Option<Lengths>,
) -> Result<(), ConfigError> {
    let limit = chosen.parse("context-length", |text| whole(text, 1, 100 * TOKENS_MAX))?;
    let needed = u64::from(longest(input)) + output.map_or(0, |output| u64::from(longest(output)));
    match (limit, chosen.one("context-length")) {
        (Some(limit), Some(entry)) if *dataset == Dataset::Synthetic && needed > limit => {
            Err(entry.wrong(wrong(
                format!("prompt and answer need up to {needed} tokens and the model takes {limit}"),
                "lower --input-len or --output-len",
            )))
        }
        _ => Ok(()),
    }
}

fn longest(lengths: Lengths) -> u32 {
    match lengths {
        Lengths::Fixed(tokens) => tokens,
        Lengths::Uniform { high, .. } => high,
    }
}

/// Names of the APIs, ours and those of the tools that people come from.
fn api(text: &str) -> Result<Api, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "chat" | "openai-chat" | "chat-completions" | "chat_completions" | "sglang-oai-chat" => Ok(Api::Chat),
        "completions" | "openai" | "vllm" | "sglang-oai" | "text-completions" => Ok(Api::Completions),
        _ => Err(wrong("not an API that is spoken here", "write chat or completions")),
    }
}

fn lengths(text: &str) -> Result<Lengths, Wrong> {
    let tokens = |text: &str| whole(text, 1, TOKENS_MAX).map(|tokens| tokens as u32);
    let Some((low, high)) = text.split_once(':') else {
        return Ok(Lengths::Fixed(tokens(text)?));
    };
    match (tokens(low)?, tokens(high)?) {
        (low, high) if low > high => Err(wrong("the range is upside down", format!("write {high}:{low}"))),
        (low, high) if low == high => Ok(Lengths::Fixed(low)),
        (low, high) => Ok(Lengths::Uniform { low, high }),
    }
}

fn output_lengths(text: &str) -> Result<Option<Lengths>, Wrong> {
    if text.trim() == "auto" { Ok(None) } else { lengths(text).map(Some) }
}

fn dataset(text: &str) -> Result<Dataset, Wrong> {
    match text.trim() {
        "synthetic" | "random" => Ok(Dataset::Synthetic),
        word if !word.contains(['.', '/', '\\']) => Err(wrong(
            "neither synthetic nor a file",
            "give the path of a JSONL file, one {\"prompt\": \"…\", \"output_tokens\": 128} per line",
        )),
        path => Ok(Dataset::Jsonl(PathBuf::from(path))),
    }
}

pub(in crate::config) fn sampling(chosen: &Chosen) -> Result<Sampling, ConfigError> {
    let mut body: BTreeMap<String, Value> = BTreeMap::new();
    let texts = chosen.each("extra-body", |text| vec![text.trim().to_owned()], extra_body)?;
    body.extend(texts.into_iter().flatten());
    Ok(Sampling {
        temperature: chosen.parse("temperature", |text| number(text, 0.0, 100.0))?,
        extra_body: (!body.is_empty()).then(|| Value::Object(body.into_iter().collect()).to_string()),
    })
}

/// A JSON object, or `name:value`, as aiperf writes it, whose value is JSON where it can be and text where not.
fn extra_body(text: &str) -> Result<Vec<(String, Value)>, Wrong> {
    let fields: Vec<(String, Value)> = if text.starts_with('{') {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields.into_iter().collect(),
            Ok(_) => return Err(wrong("not a JSON object", "write '{\"name\": value}'")),
            Err(error) => return Err(wrong(format!("not JSON: {error}"), "write '{\"name\": value}'")),
        }
    } else {
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| wrong("neither a JSON object nor name:value", "write '{\"name\": value}'"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        vec![(name.trim().to_owned(), value)]
    };
    let own = [
        ("model", "--model"),
        ("stream", "--stream"),
        ("messages", "--dataset"),
        ("prompt", "--dataset"),
        ("max_tokens", "--output-len"),
        ("ignore_eos", "--ignore-eos"),
        ("temperature", "--temperature"),
    ];
    // The plan and its fingerprint must know what is sent, so a field with a setting of its own has one way in.
    for (name, flag) in own {
        if fields.iter().any(|(field, _)| field == name) {
            return Err(wrong(format!("'{name}' has a setting of its own"), format!("use {flag}")));
        }
    }
    Ok(fields)
}

/// `timeout` may hold several limits; each becomes an entry of its own. What is named singly in the layer wins.
pub(in crate::config) fn spread_timeouts(layer: Vec<Entry>) -> Result<Vec<Entry>, ConfigError> {
    let (several, mut rest): (Vec<Entry>, Vec<Entry>) =
        layer.into_iter().partition(|entry| entry.key == "timeout" && entry.text.contains(':'));
    let mut spread = Vec::new();
    for entry in several {
        for piece in super::words::cut_words(&entry.text) {
            let (name, text) = piece.split_once(':').unwrap_or(("total", piece.as_str()));
            let key = match name.replace('_', "-").as_str() {
                "total" => "timeout",
                "first-token" | "ttft" => "timeout-first-token",
                "stall" => "timeout-stall",
                "connect" => "timeout-connect",
                _ => {
                    let hint =
                        "write first-token, stall, total or connect, for example first-token:30s,total:5m";
                    return Err(entry.wrong(wrong(format!("there is no limit '{name}'"), hint)));
                }
            };
            spread.push(Entry::new(key, text, entry.origin.clone()));
        }
    }
    spread.append(&mut rest);
    Ok(spread)
}

pub(in crate::config) fn timeouts(chosen: &Chosen) -> Result<Timeouts, ConfigError> {
    let limit = |key: &str| -> Result<Nanos, ConfigError> {
        Ok(chosen.parse(key, |text| span(text, "s"))?.unwrap_or_default())
    };
    Ok(Timeouts {
        connect: limit("timeout-connect")?,
        first_token: limit("timeout-first-token")?,
        stall: limit("timeout-stall")?,
        total: limit("timeout")?,
    })
}
