//! The events of a benchmark, over a WebSocket and as server-sent events: the same messages in the same order.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{interval, timeout};

use super::found;
use crate::document::v1::service::EventDocument;
use crate::server::events::{Hub, Listening, Message, Seat, text};
use crate::server::house::Shared;
use crate::server::identity::Identity;
use crate::server::problem::{Answer, Problem};

/// What both sides speak, named in the handshake.
const PROTOCOL: &str = "llm-loadtest.v1";
/// Clients have nothing to say, but pings and closing.
const FRAME_MAX: usize = 4_096;
/// Frames that a client may send between two pings of ours.
const FRAMES_MAX: u32 = 60;
const PING_EVERY: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is gone.
const SEND_TIME: Duration = Duration::from_secs(20);

/// `GET /api/v1/benchmarks/{id}/events`
pub(in crate::server) async fn events(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Answer {
    let (listening, seat) = listen(&house, &identity, &id).await?;
    let stream = messages(listening, seat);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(PING_EVERY)).into_response())
}

/// `GET /ws/benchmark/{id}`
pub(in crate::server) async fn socket(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer {
    let (listening, seat) = listen(&house, &identity, &id).await?;
    let upgrade = upgrade.map_err(|error| {
        Problem::new(StatusCode::UPGRADE_REQUIRED, format!("this path speaks WebSocket: {error}"))
            .hint(format!("the same events without one: GET /api/v1/benchmarks/{id}/events"))
    })?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(FRAME_MAX).max_frame_size(FRAME_MAX);
    Ok(upgrade.on_upgrade(move |socket| talk(socket, listening, seat)))
}

/// The benchmark's events, and a place among the listeners.
async fn listen(house: &Shared, identity: &Identity, id: &str) -> Result<(Listening, Seat), Problem> {
    // Asked before the store: a benchmark without a hub is over, and the store knows how.
    let hub = house.queue.hub(id);
    let benchmark = found(house, id).await?.benchmark;
    let seat = house.seats.take(identity.address).ok_or_else(|| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many event streams are open")
            .hint("close some: each address has 32")
            .after(5)
    })?;
    let listening = hub.map_or_else(|| Hub::new(benchmark.clone()).only_state(), |hub| hub.listen());
    Ok((listening, seat))
}

/// What is to be told next; none at the end.
async fn next(listening: &mut Listening) -> Option<Message> {
    if let Some(message) = listening.first.pop_front() {
        return Some(message);
    }
    match listening.rest.as_mut()?.recv().await {
        Ok(message) => Some(message),
        Err(RecvError::Lagged(messages)) => Some(text(&EventDocument::Missed { messages })),
        Err(RecvError::Closed) => None,
    }
}

fn messages(listening: Listening, seat: Seat) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((listening, seat), |(mut listening, seat)| async move {
        let message = next(&mut listening).await?;
        Some((Ok(Event::default().data(&*message)), (listening, seat)))
    })
}

/// Tells until it is over or the client is gone.
async fn talk(mut socket: WebSocket, mut listening: Listening, _seat: Seat) {
    let mut pings = interval(PING_EVERY);
    let mut heard = 0;
    loop {
        let frame = tokio::select! {
            message = next(&mut listening) => {
                let Some(message) = message else {
                    close(&mut socket, close_code::NORMAL, "over").await;
                    return;
                };
                Frame::Text((&*message).into())
            }
            _ = pings.tick() => {
                heard = 0;
                Frame::Ping(Bytes::default())
            }
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard += 1;
                    if heard > FRAMES_MAX {
                        close(&mut socket, close_code::POLICY, "too many messages").await;
                        return;
                    }
                    continue;
                }
            },
        };
        if !matches!(timeout(SEND_TIME, socket.send(frame)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = Frame::Close(Some(CloseFrame { code, reason: reason.into() }));
    // A client that is gone already needs no goodbye.
    let _sent = timeout(SEND_TIME, socket.send(frame)).await.is_ok();
}
