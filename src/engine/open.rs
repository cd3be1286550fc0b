//! Open loop: requests are sent when they are due, whatever the server does meanwhile.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::closed::with_grace;
use super::drive::Level;
use super::port::{Clock, Transport};
use super::stop::Stop;
use crate::base::Nanos;
use crate::record::{Outcome, Phase, Row};
use crate::workload::Limit;

/// Sends every due request; returns the window's end: the planned duration, or the end of the last request.
pub(super) async fn run<T: Transport, C: Clock>(
    level: &Arc<Level<T, C>>,
    start: Nanos,
    max_in_flight: Option<u32>,
    stop: &Stop,
) -> Nanos {
    let deadline = match level.work.schedule.limit() {
        Limit::Requests(_) => None,
        Limit::Duration(span) | Limit::Either { duration: span, .. } => Some(start + span),
    };
    let everyone = move |cut: Stop| -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(send_all(level, start, max_in_flight, stop, cut))
    };
    let ended = with_grace(level, everyone, deadline, stop).await;
    deadline.map_or(ended, |deadline| deadline.min(ended))
}

async fn send_all<T: Transport, C: Clock>(
    level: &Arc<Level<T, C>>,
    start: Nanos,
    max_in_flight: Option<u32>,
    stop: &Stop,
    cut: Stop,
) {
    // Beyond the bound requests wait here, and their wait shows in send_lag and ttft_from_due; none is dropped.
    let places =
        Arc::new(Semaphore::new(max_in_flight.map_or(Semaphore::MAX_PERMITS, |bound| bound as usize)));
    let mut flights = JoinSet::new();
    let mut stopped = stop.clone();
    for (index, offset) in level.work.schedule.due().unwrap_or_default().iter().enumerate() {
        let due = level.prepare(level.work.schedule.ask(index as u64), Phase::Measure, Some(start + *offset));
        tokio::select! {
            biased;
            () = stopped.draining() => break,
            () = level.clock.until(start + *offset) => {}
        }
        let (level, places, mut cut) = (Arc::clone(level), Arc::clone(&places), cut.clone());
        flights.spawn(async move {
            let place = tokio::select! {
                place = places.acquire() => place,
                () = cut.ended() => {
                    let never = Outcome::Failed(cut.cut("still waiting for a place"));
                    let now = level.clock.now();
                    return level.hand_on(Row::unsent(&due.ask, due.phase, due.at, now, never)).await;
                }
            };
            level.perform(due, &mut cut).await;
            drop(place);
        });
        // Rows have been handed on already; this only frees the finished tasks.
        while flights.try_join_next().is_some() {}
    }
    while flights.join_next().await.is_some() {}
}
