//! What the server says about itself, and whether one request works at all.

use super::check::{Check, diagnosis};
use super::facts::{Models, Service, Whole};
use crate::base::Nanos;
use crate::record::{Failure, FailureClass};

/// Clocks this far apart make logs of both sides hard to join.
const SKEW_S: f64 = 5.0;

pub(super) fn checks(url: &str, service: &Service) -> Vec<Check> {
    let Service { health, listing, models, model, engine, api, metrics, clock_ahead_s } = service;
    let mut checks =
        vec![health_check(url, health), models_check(&format!("{url}{listing}"), models, model.as_deref())];
    checks.push(match engine {
        Some(engine) => Check::fine("engine", format!("{}, asked over --api {api}", engine.title())),
        None => Check::fine(
            "engine",
            format!(
                "not recognised, so asked as an OpenAI-compatible server over --api {api}; --adapter names it"
            ),
        ),
    });
    checks.push(metrics_check(url, metrics.as_deref()));
    checks.extend(clock_ahead_s.map(clock));
    checks
}

fn health_check(url: &str, health: &Result<(u16, Nanos), String>) -> Check {
    match health {
        Ok((200..=299, took)) => Check::fine("health", format!("/health answers in {took}")),
        Ok((404 | 405, _)) => Check::fine("health", "the server has no /health, which says nothing about it"),
        Ok((503, took)) => Check::failed(
            "health",
            format!("/health answers 503 after {took}"),
            diagnosis([
                "requests fail with 503 or hang".to_owned(),
                "the server is up and not ready: it loads the model, compiles, or its engine has died".to_owned(),
                format!("GET {url}/health: 503"),
                "wait until it answers 200; if it never does, its log names the reason (memory, a missing file, a crash)".to_owned(),
                format!("curl -i {url}/health"),
            ]),
        ),
        Ok((status, took)) => Check::warning(
            "health",
            format!("/health answers {status} after {took}"),
            diagnosis([
                "orchestrators think that the server is down".to_owned(),
                "its health route is guarded, moved, or reports a fault".to_owned(),
                format!("GET {url}/health: {status}"),
                "look into its log; with a key, give --api-key".to_owned(),
                format!("curl -i {url}/health"),
            ]),
        ),
        Err(why) => Check::failed(
            "health",
            format!("/health gave no answer: {why}"),
            diagnosis([
                "connections open, and nothing is ever answered".to_owned(),
                "something accepts connections that does not answer HTTP: a proxy without a server behind it, another protocol, a hung server".to_owned(),
                format!("GET {url}/health: {why}"),
                "check that the port is the server's HTTP port (gRPC ports do not answer HTTP), and restart it if it hangs".to_owned(),
                format!("curl -iv {url}/health"),
            ]),
        ),
    }
}

fn models_check(url: &str, models: &Models, model: Option<&str>) -> Check {
    let curl = format!("curl -s {url}");
    match (models, model) {
        (Models::Listed(names), Some(model)) if names.iter().any(|name| name == model) => {
            Check::fine("models", format!("'{model}' is among {} listed", names.len()))
        }
        (Models::Listed(names), Some(model)) if !names.is_empty() => Check::warning(
            "models",
            format!("'{model}' is not among those listed: {}", names.join(", ")),
            diagnosis([
                "404: the model does not exist; or another model answers than the one that was meant"
                    .to_owned(),
                "the name of --model is not the one the server serves it under".to_owned(),
                format!("listed are {}", names.join(", ")),
                "name one of them with --model, or start the server with --served-model-name".to_owned(),
                curl,
            ]),
        ),
        (Models::Listed(names), None) if names.len() > 1 => Check::failed(
            "models",
            format!("several are listed: {}", names.join(", ")),
            diagnosis([
                "a run does not start".to_owned(),
                "the server has several models, and none was named".to_owned(),
                format!("listed are {}", names.join(", ")),
                "choose one with --model".to_owned(),
                curl,
            ]),
        ),
        (Models::Listed(_), Some(model)) => {
            Check::fine("models", format!("none is listed; '{model}' is asked for"))
        }
        (Models::Absent { status }, Some(model)) => {
            Check::fine("models", format!("no list (status {status}); '{model}' is asked for"))
        }
        (Models::Refused { status: status @ (401 | 403), words }, _) => Check::failed(
            "models",
            format!("status {status}: {words}"),
            diagnosis([
                "every request is refused".to_owned(),
                "the server wants a key that was not given, or another one".to_owned(),
                format!("{url}: {status}, {words}"),
                "give the key with --api-key-env NAME, or set OPENAI_API_KEY".to_owned(),
                format!("{curl} -H \"Authorization: Bearer $OPENAI_API_KEY\""),
            ]),
        ),
        (models, model) => {
            let seen = match models {
                Models::Listed(_) => "the list is empty".to_owned(),
                Models::Absent { status } => format!("there is no list (status {status})"),
                Models::Refused { status, words } => format!("status {status}: {words}"),
                Models::Unreadable(why) => format!("the list is unreadable: {why}"),
            };
            let words = diagnosis([
                "a run does not know which model to ask for".to_owned(),
                "what answers is no OpenAI-compatible server, or it lists no model".to_owned(),
                seen.clone(),
                "name the model with --model; give the base URL without /v1; name the engine with --adapter"
                    .to_owned(),
                curl,
            ]);
            if model.is_some() {
                Check::warning("models", seen, words)
            } else {
                Check::failed("models", seen, words)
            }
        }
    }
}

fn metrics_check(url: &str, path: Option<&str>) -> Check {
    match path {
        Some(path) => Check::fine("metrics", format!("the server's own metrics are at {path}")),
        None => Check::warning(
            "metrics",
            "no metrics of the server's own were found",
            diagnosis([
                "results cannot be checked against the server's own numbers".to_owned(),
                "the server exports no Prometheus metrics at the usual paths, or has to be told to".to_owned(),
                format!("no Prometheus text at {url}/metrics and its usual other places"),
                "vLLM has them always; SGLang: --enable-metrics; llama-server: --metrics; Triton: port 8002; LiteLLM: callbacks: [prometheus]".to_owned(),
                format!("curl -sL {url}/metrics | head"),
            ]),
        ),
    }
}

fn clock(ahead: f64) -> Check {
    let found = format!(
        "the server's clock is {:.0} s {} ours",
        ahead.abs(),
        if ahead < 0.0 { "behind" } else { "ahead of" }
    );
    if ahead.abs() <= SKEW_S {
        return Check::fine("clock", "the clocks of both machines agree within seconds");
    }
    Check::warning(
        "clock",
        found.clone(),
        diagnosis([
            "times in the server's log and in ours do not match".to_owned(),
            "one of the clocks is wrong; measured times are not affected, they come from one monotonic clock"
                .to_owned(),
            found,
            "synchronise both machines (chrony, systemd-timesyncd)".to_owned(),
            "timedatectl shows 'System clock synchronized: yes' on both".to_owned(),
        ]),
    )
}

/// One answer in one piece.
pub(super) fn whole(url: &str, whole: &Whole) -> Check {
    let Whole { took, usage, asked_tokens, verdict } = whole;
    match verdict {
        Ok(()) => {
            let tokens =
                usage.output.map_or_else(|| "no usage".to_owned(), |tokens| format!("{tokens} tokens"));
            let asked = asked_tokens.map(|asked| format!(" of {asked} asked for")).unwrap_or_default();
            Check::fine("request", format!("one answer in one piece took {took}: {tokens}{asked}"))
        }
        Err(failure) => {
            Check::failed("request", failure.to_string(), refused(url, failure, "the load test fails"))
        }
    }
}

/// What a request that failed points to.
pub(super) fn refused(url: &str, failure: &Failure, symptom: &str) -> super::Diagnosis {
    let (cause, solution) = match (failure.class, failure.status) {
        (FailureClass::Http4xx, Some(401 | 403)) => {
            ("the server wants a key that was not given, or another one", "give it with --api-key-env NAME")
        }
        (FailureClass::Http4xx, Some(404)) => (
            "the server does not know the model or the path",
            "check --model against /v1/models, and --api and --adapter against what the server offers",
        ),
        (FailureClass::Http4xx, _) => (
            "the server does not take this request: a field it does not know, or lengths beyond its context",
            "read its words; --no-ignore-eos and --adapter leave fields out, --input-len and --output-len set lengths",
        ),
        (FailureClass::Http429, _) => {
            ("the server sheds load", "raise its queue limits, or wait until others are done")
        }
        (FailureClass::Http5xx, _) => ("the server failed at it", "look into its log"),
        (FailureClass::TimeoutFirstToken | FailureClass::TimeoutTotal | FailureClass::Stalled, _) => (
            "the server takes longer than the limits of waiting: it loads, queues, or hangs",
            "look at its queue and its log; raise --timeout-first-token and --timeout",
        ),
        (FailureClass::Truncated, _) => (
            "the stream ended before the answer did: the server or a proxy between cut it",
            "raise the proxy's read timeout and switch its buffering off; look into the server's log for a crash",
        ),
        (FailureClass::InStreamError, _) => {
            ("the server gave up in the middle of the answer", "look into its log")
        }
        (FailureClass::Malformed, _) => (
            "what came is not this API's answer",
            "check --api and --adapter; a proxy that answers for the server shows here, too",
        ),
        _ => ("the connection broke", "look into the server's log, and at proxies between"),
    };
    diagnosis([
        symptom.to_owned(),
        cause.to_owned(),
        failure.to_string(),
        solution.to_owned(),
        format!("llm-loadtest run --server {url} -n 1 ends with 0"),
    ])
}
