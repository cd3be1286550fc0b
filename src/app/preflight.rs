//! One request before any load: what would fail ten thousand times is better said once.

use serde_json::{Map, Value};

use super::error::AppError;
use super::measure::{Bench, Turn};
use super::server::Server;
use super::watch::Silent;
use crate::base::Nanos;
use crate::config::RunPlan;
use crate::engine::Stop;
use crate::record::{Failure, FailureClass, Outcome};
use crate::workload::{Level, Limit, Load, Shard, Source};

/// A server that fails now and then deserves to be measured: its failures are part of the answer. One that fails
/// this often in a row has nothing to measure.
const TRIES: u64 = 8;

/// Asks each part's own kind of request, and each server, until one succeeds; otherwise the last failure, with what to
/// do about it.
pub(super) async fn preflight(bench: &Bench<'_>, server: &Server, stop: &Stop) -> Result<(), AppError> {
    for part in 0..bench.plan.parts.len() {
        ask_until_answered(bench, server, &bench.source.only(part), stop).await?;
    }
    for at in 1..server.servers.len() {
        ask_until_answered(bench, server, &bench.source.starting_at(at as u16), stop).await?;
    }
    Ok(())
}

async fn ask_until_answered(
    bench: &Bench<'_>,
    server: &Server,
    source: &Source,
    stop: &Stop,
) -> Result<(), AppError> {
    let mut last = None;
    for attempt in 0..TRIES {
        if stop.is_draining() {
            return Ok(());
        }
        let load = Load::Closed { concurrency: 1, ramp_up: Nanos::ZERO };
        let level = Level { load, limit: Limit::Requests(1) };
        let seed = bench.plan.seed.child("preflight").at(attempt);
        let turn = Turn {
            level,
            shard: Shard::WHOLE,
            round: 0,
            rounds: 0,
            arm: None,
            seed,
            warmup: Some(0),
            source: source.clone(),
        };
        let run = bench.level(server, &turn, None, &mut Silent, stop).await?;
        let Some(Outcome::Failed(failure)) = run.recorded.first else {
            return Ok(());
        };
        match failure.class {
            FailureClass::Cancelled => return Ok(()),
            class if !is_passing(class) => return Err(explain(&failure, bench, server)),
            _ => last = Some(failure),
        }
    }
    last.map_or(Ok(()), |failure| Err(explain(&failure, bench, server)))
}

/// Whether another request may fare better: refusals and silence stay what they are.
fn is_passing(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Http429 | FailureClass::Http5xx | FailureClass::Truncated | FailureClass::InStreamError
    )
}

fn explain(failure: &Failure, bench: &Bench<'_>, server: &Server) -> AppError {
    let message = format!("the server cannot answer this workload: {failure}");
    let others: Vec<&str> =
        server.listed.iter().map(String::as_str).filter(|name| *name != server.model).collect();
    match (failure.class, failure.status) {
        (FailureClass::Http4xx, Some(401 | 403)) => {
            AppError::usage(message, "give a key with --api-key, or set OPENAI_API_KEY")
        }
        (FailureClass::Http4xx, Some(404)) if !others.is_empty() => AppError::usage(
            message,
            format!("--model is '{}'; the server lists: {}", server.model, others.join(", ")),
        ),
        (FailureClass::Http4xx, Some(404)) => AppError::usage(
            message,
            format!("does the server offer --api {}, and the model '{}'?", bench.plan.api.id(), server.model),
        ),
        (FailureClass::Http4xx, _) => {
            let usual = "check --input-len and --output-len against the model's context; --no-ignore-eos leaves out fields that only some engines know";
            AppError::usage(message, blamed(&failure.detail, bench.plan).unwrap_or_else(|| usual.to_owned()))
        }
        (FailureClass::TimeoutFirstToken | FailureClass::TimeoutTotal | FailureClass::Stalled, _) => {
            AppError::environment(
                message,
                "is the model loaded? Raise --timeout-first-token, --timeout-stall or --timeout",
            )
        }
        (FailureClass::Malformed | FailureClass::Truncated, _) => AppError::environment(
            message,
            "the server answered without a usable stream: try --no-stream or another --api, and look into its log",
        ),
        _ => AppError::environment(message, "look into the server's log"),
    }
}

/// How to leave out the field that a refusal names; none where it names none of those that are sent.
fn blamed(detail: &str, plan: &RunPlan) -> Option<String> {
    const OURS: [(&str, &str); 8] = [
        ("continuous_usage_stats", "--no-continuous-usage leaves continuous_usage_stats out"),
        (
            "ignore_eos",
            "--no-ignore-eos leaves ignore_eos and min_tokens out; --adapter names an engine that is known to do without",
        ),
        (
            "min_tokens",
            "--extra-body '{\"min_tokens\": null}' leaves min_tokens out, --no-ignore-eos both fields for exact lengths",
        ),
        ("min_new_tokens", "--extra-body '{\"min_new_tokens\": null}' leaves min_new_tokens out"),
        (
            "stream_options",
            "--extra-body '{\"stream_options\": null}' leaves stream_options out; tokens are then counted by --tokenizer or by chunks",
        ),
        (
            "max_completion_tokens",
            "--adapter openai sends max_completion_tokens instead of max_tokens, and nothing that only other engines know",
        ),
        ("temperature", "leave --temperature out"),
        ("stream", "--no-stream asks for answers in one piece"),
    ];
    let names = |field: &str| {
        detail.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == field)
    };
    let own: Map<String, Value> = plan
        .sampling
        .extra_body
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    if let Some(field) = own.keys().find(|field| names(field)) {
        return Some(format!("take '{field}' out of --extra-body, or give it a value that the server takes"));
    }
    OURS.into_iter().find(|(field, _)| names(field)).map(|(_, hint)| hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;

    #[test]
    fn a_refusal_that_names_a_field_gets_the_flag_that_leaves_it_out() {
        let mut plan = sample::plan();
        plan.sampling.extra_body = Some(r#"{"top_k": 0}"#.to_owned());
        let hint = |detail: &str| blamed(detail, &plan).unwrap_or_default();
        assert!(
            hint("Unexpected fields in the request: {'ignore_eos', 'min_tokens'}")
                .starts_with("--no-ignore-eos")
        );
        assert!(hint("body.min_tokens: Extra inputs are not permitted").contains("\"min_tokens\": null"));
        assert!(
            hint("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
                .contains("--adapter openai")
        );
        assert!(hint("top_k must be -1 or at least 1, got 0").contains("'top_k' out of --extra-body"));
        assert_eq!(hint("This model's maximum context length is 2048 tokens"), "");
    }
}
