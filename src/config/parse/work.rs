//! How requests are worded and how long they may take: API, sampling, waiting.

use std::collections::BTreeMap;

use serde_json::Value;

use super::server::is_grpc;
use super::words::{number, span, switch};
use crate::base::Nanos;
use crate::config::error::{ConfigError, Entry, Origin, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::config::{Sampling, Target, Timeouts};
use crate::protocol::{Adapter, Api};

/// Names of the APIs, ours and those of the tools that people come from; none for `auto`.
pub(in crate::config) fn api(text: &str) -> Result<Option<Api>, Wrong> {
    if text.trim().eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    let hint = || format!("write one of {}", Api::CHOICES.join(", "));
    Api::named(text).map(Some).ok_or_else(|| wrong("not an API that is spoken here", hint()))
}

/// None for `auto`.
pub(in crate::config) fn adapter(text: &str) -> Result<Option<Adapter>, Wrong> {
    if text.trim().eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    let hint = || format!("write one of {}", Adapter::CHOICES.join(", "));
    Adapter::named(text).map(Some).ok_or_else(|| wrong("not an engine that is known here", hint()))
}

/// The API that is called, and the engine that is asked as far as it is known: the named ones, what the server's address or
/// start tells (`evident`), and what follows from the one for the other.
pub(in crate::config) fn spoken(
    chosen: &Chosen,
    target: &Target,
    evident: Option<Adapter>,
) -> Result<(Api, Option<Adapter>), ConfigError> {
    let asked = chosen.parse("api", api)?.flatten();
    let named = chosen.parse("adapter", adapter)?.flatten();
    let over_grpc = target.base_urls.iter().any(|url| is_grpc(url));
    let asked = asked.or(over_grpc.then_some(Api::KserveGrpc));
    let adapter = named.or(evident).or_else(|| asked?.engine());
    let api = asked.unwrap_or_else(|| adapter.unwrap_or_default().default_api());
    let wrong_at = |key, problem: String, hint: &str| match chosen.one(key) {
        Some(entry) => entry.wrong(wrong(problem, hint)),
        None => ConfigError::new(problem, hint),
    };
    if over_grpc && !api.is_grpc() {
        let problem = format!("{} is not spoken over gRPC", api.id());
        return Err(wrong_at("api", problem, "write kserve-grpc, or the server's http:// address"));
    }
    if api.is_grpc() && target.base_urls.iter().any(|url| url.starts_with("https://")) {
        let hint = "write grpc://HOST:PORT, through a tunnel where that is needed";
        return Err(wrong_at("api", "gRPC is spoken without TLS here".to_owned(), hint));
    }
    match named.filter(|adapter| !adapter.speaks(api)) {
        Some(adapter) => {
            let problem = format!("{} does not speak {}", adapter.title(), api.id());
            Err(wrong_at("adapter", problem, "leave out one of --api and --adapter"))
        }
        None => Ok((api, adapter)),
    }
}

/// Settles what an API without generated tokens implies: no stream, and no length of an answer. What says otherwise is an
/// error.
pub(in crate::config) fn only_reads(chosen: &mut Chosen) -> Result<(), ConfigError> {
    let api = chosen.one("api").map_or_else(String::new, |entry| entry.text.clone());
    let contrary = |text: &str, key: &str| {
        if key == "output-len" {
            !text.trim().eq_ignore_ascii_case("auto")
        } else {
            switch(text).is_ok_and(|on| on)
        }
    };
    for (key, implied) in [("stream", "false"), ("ignore-eos", "false"), ("output-len", "auto")] {
        let given = chosen.one(key).filter(|_| chosen.given(key).is_some());
        if let Some(entry) = given.filter(|entry| contrary(&entry.text, key)) {
            let hint = format!("leave --{key} out, or choose an API that generates, for example --api chat");
            return Err(entry.wrong(wrong(format!("--api {api} generates no tokens"), hint)));
        }
        // Said by the API itself, so that no word for several settings at once says otherwise.
        chosen.say(0, Entry::new(key, implied, Origin::Default));
    }
    Ok(())
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
        ("input", "--dataset"),
        ("max_tokens", "--output-len"),
        ("max_output_tokens", "--output-len"),
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
