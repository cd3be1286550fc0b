//! `--serve-to`: what was measured here is sent to a server of ours, the result first and then its rows.

use std::time::Duration;

use serde_json::Value;

use super::error::AppError;
use crate::base::{Nanos, Secret};
use crate::config::Outputs;
use crate::document::v1::SIZE_MAX;
use crate::document::v1::service::{BenchmarkDocument, ProblemDocument};
use crate::host::files;
use crate::transport::{Address, Answer, Control, HttpOptions, Sending, TlsOptions};

/// Variable that holds the key of that server.
pub const SERVE_KEY_VARIABLE: &str = "LLM_LOADTEST_SERVE_KEY";
/// For the largest result on a slow line.
const PATIENCE: Duration = Duration::from_mins(5);

/// Sends the files of a run that has ended; answers with the address of its page. The files themselves stay where they are.
pub async fn hand_over(
    url: &str,
    outputs: &Outputs,
    key: Option<Secret>,
    commit: Option<&str>,
) -> Result<String, AppError> {
    let (address, _) = Address::parse(url).map_err(|error| failed(url, &error.to_string()))?.reached();
    let base = address.url();
    let control = Control::new(&HttpOptions {
        address,
        api_key: key,
        key_header: None,
        headers: Vec::new(),
        tls: TlsOptions::default(),
        connect_timeout: Nanos::from_secs(10.0),
    })?;
    let result = files::read_bytes(&outputs.result, SIZE_MAX)?;
    let query: Vec<(&str, &str)> = commit.iter().map(|commit| ("commit", *commit)).collect();
    let import = (Sending::Post, "/api/v1/import");
    let answer = control.send(import, &query, ("application/json", result), PATIENCE).await;
    let stored = taken(url, answer)?;
    let stored: BenchmarkDocument = serde_json::from_value(stored)
        .map_err(|error| failed(url, &format!("its answer is none of ours: {error}")))?;
    let rows = files::read_bytes(&outputs.requests, SIZE_MAX)?;
    if !rows.is_empty() {
        let path = format!("/api/v1/benchmarks/{}/requests", stored.id);
        let put = (Sending::Put, path.as_str());
        taken(url, control.send(put, &[], ("application/x-ndjson", rows), PATIENCE).await)?;
    }
    Ok(format!("{base}/#/run/{}", stored.id))
}

/// A success's JSON, or the server's own words on why it is none.
fn taken(url: &str, answer: Result<Answer, String>) -> Result<Value, AppError> {
    let Answer { status, body } = answer.map_err(|why| failed(url, &why))?;
    if (200..300).contains(&status) {
        return serde_json::from_str(&body)
            .map_err(|error| failed(url, &format!("its answer is no JSON: {error}")));
    }
    let problem: Option<ProblemDocument> = serde_json::from_str(&body).ok();
    Err(match problem {
        Some(ProblemDocument { detail, hint, .. }) => {
            let error = failed(url, &format!("it answered {status}: {detail}"));
            AppError { hint: hint.map(crate::base::Hint::new).or(error.hint.clone()), ..error }
        }
        None => failed(url, &format!("it answered {status}")),
    })
}

fn failed(url: &str, why: &str) -> AppError {
    AppError::environment(
        format!("the result is not at {url}: {why}"),
        format!(
            "its files are here; send them later with POST {url}/api/v1/import. A key goes into {SERVE_KEY_VARIABLE}"
        ),
    )
}
