//! From a request that was read to the model, and its answer back.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use tokio::sync::mpsc;

use super::clock::unix_seconds;
use super::declined::{Declined, Tongue};
use super::driver::Entry;
use super::routes::Shared;
use super::stream::{Flight, Lane};
use super::truth::{TruthOutcome, TruthRow};
use super::voice::{Asked, Wanted};
use crate::base::Nanos;
use crate::simulator::model::{Refusal, SimAsk};

/// How an API's requests are read.
pub(super) type Read = fn(&Asked<'_>) -> Result<Wanted, Declined>;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Post {
    pub arrival: Nanos,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Answers a request that came by HTTP; what cannot be read is declined in the words of `tongue`.
pub(super) async fn complete(shared: Shared, read: Read, tongue: Tongue, post: Post) -> Response<Body> {
    let Post { arrival, uri, headers, body } = post;
    let asked = Asked {
        body: &body,
        spec: &shared.spec,
        path_model: path_model(uri.path()),
        requests: &shared.requests,
        unix_seconds: unix_seconds(),
    };
    let wanted = match read(&asked) {
        Ok(wanted) => wanted,
        Err(declined) => return declined.respond(tongue),
    };
    let (tongue, stream) = (wanted.voice.tongue(), wanted.stream);
    match launch(&shared, arrival, request_id(&headers), wanted).await {
        Ok(flight) if stream => flight.streamed().await,
        Ok(flight) => flight.whole().await,
        Err(declined) => declined.respond(tongue),
    }
}

/// Hands a request to the model. What the model refuses is logged here; a flight logs itself.
pub(super) async fn launch(
    shared: &Shared,
    arrival: Nanos,
    request_id: Option<String>,
    wanted: Wanted,
) -> Result<Flight, Declined> {
    let Wanted { prompts, choices, max_tokens, reasoning, stream: _, id, voice } = wanted;
    let lengths: Vec<u32> = prompts.iter().map(|prompt| prompt.tokens as u32).collect();
    let row = TruthRow {
        request_id: request_id.unwrap_or(id),
        received_ns: arrival.0,
        planned_ns: Vec::new(),
        written_ns: Vec::new(),
        prompt_tokens: lengths.iter().sum(),
        output_tokens: 0,
        outcome: TruthOutcome::Cancelled,
    };
    let asks: Vec<SimAsk> = prompts
        .into_iter()
        .flat_map(|prompt| {
            let prompt_tokens = prompt.tokens as u32;
            std::iter::repeat_n(
                SimAsk { prompt_tokens, max_tokens, prefix_blocks: prompt.blocks },
                choices as usize,
            )
        })
        .collect();
    // Room for every token and the endings, so that the driver never waits for a slow reader.
    let (sink, emissions) = mpsc::channel(asks.len() * (max_tokens as usize + 1));
    let tickets = match shared.driver.submit(Entry { arrival, asks, sink }).await {
        Some(Ok(tickets)) => tickets,
        refused => return Err(refuse(shared, row, refused.and_then(Result::err))),
    };
    let lanes = tickets
        .into_iter()
        .enumerate()
        .map(|(index, ticket)| Lane::new(ticket, lengths[index / choices as usize]))
        .collect();
    let Shared { spec, driver, clock, log, .. } = shared.clone();
    Ok(Flight { voice, emissions, lanes, max_tokens, reasoning, chunk: spec.chunk, driver, clock, log, row })
}

pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("x-request-id")?.to_str().ok()?.to_owned())
}

/// `/v2/models/M/generate` and its like name a model.
fn path_model(path: &str) -> Option<&str> {
    path.strip_prefix("/v2/models/")?.split('/').next()
}

/// What is said of the model's refusal, or of a driver too busy to be asked; the truth of it is logged.
fn refuse(shared: &Shared, row: TruthRow, refusal: Option<Refusal>) -> Declined {
    let (outcome, declined) = match refusal {
        Some(Refusal::Error) => (TruthOutcome::Failed, Declined::broken()),
        Some(Refusal::Reject) => (TruthOutcome::Rejected, Declined::busy(StatusCode::TOO_MANY_REQUESTS)),
        Some(refusal @ Refusal::Context { .. }) => return Declined::invalid(refusal.to_string()),
        Some(Refusal::Starting) | None => {
            (TruthOutcome::Unavailable, Declined::busy(StatusCode::SERVICE_UNAVAILABLE))
        }
    };
    shared.log.push(TruthRow { outcome, ..row });
    declined
}
