//! Closed loop: a fixed number of clients, each sending its next request when its last one ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::task::JoinSet;

use super::drive::Level;
use super::port::{Clock, Transport};
use super::stop::{Stop, Stopper};
use crate::base::Nanos;
use crate::record::Phase;
use crate::workload::Limit;

/// An open loop has no number of clients; its warm-up has this many, to warm some connections, too.
const OPEN_WARMUP_CLIENTS: u64 = 8;

/// Pause of a client that found no server: it comes back, but does not spend the machine on refusals.
const UNREACHED: Nanos = Nanos(50_000_000);

/// Runs the level's window and returns its end: the last request's, or the planned one for a duration.
pub(super) async fn run<T: Transport, C: Clock>(
    level: &Arc<Level<T, C>>,
    start: Nanos,
    stop: &Stop,
) -> Nanos {
    let (count, deadline) = match level.work.schedule.limit() {
        Limit::Requests(count) => (count, None),
        Limit::Duration(span) => (u64::MAX, Some(start + span)),
        Limit::Either { requests, duration } => (requests, Some(start + duration)),
    };
    let clients = clients(level).min(count);
    let everyone = clients_until(level, Phase::Measure, Turns { clients, count, deadline }, stop);
    let ended = with_grace(level, everyone, deadline, stop).await;
    deadline.map_or(ended, |deadline| deadline.min(ended))
}

/// The same clients for the warm-up requests, which no number will see.
pub(super) async fn warm_up<T: Transport, C: Clock>(level: &Arc<Level<T, C>>, stop: &Stop) {
    let count = level.work.warmup;
    let clients = clients(level).clamp(1, count.max(1));
    clients_until(level, Phase::Warmup, Turns { clients, count, deadline: None }, stop)(stop.clone()).await;
}

fn clients<T: Transport, C: Clock>(level: &Level<T, C>) -> u64 {
    level.work.schedule.concurrency().map_or(OPEN_WARMUP_CLIENTS, u64::from)
}

/// Who sends, how often, and until when.
#[derive(Clone, Copy)]
struct Turns {
    clients: u64,
    count: u64,
    deadline: Option<Nanos>,
}

/// A future-maker: the clients stop sending on `stop` or at the deadline, and cut what is in flight when its argument ends.
fn clients_until<'a, T: Transport, C: Clock>(
    level: &'a Arc<Level<T, C>>,
    phase: Phase,
    turns: Turns,
    stop: &'a Stop,
) -> impl FnOnce(Stop) -> futures_util::future::BoxFuture<'a, ()> {
    move |cut: Stop| {
        Box::pin(async move {
            let next = Arc::new(AtomicU64::new(0));
            let mut clients = JoinSet::new();
            for _ in 0..turns.clients {
                let (level, next, stop, cut) =
                    (Arc::clone(level), Arc::clone(&next), stop.clone(), cut.clone());
                clients.spawn(async move { client(&level, phase, turns, &next, &stop, cut).await });
            }
            while clients.join_next().await.is_some() {}
        })
    }
}

async fn client<T: Transport, C: Clock>(
    level: &Level<T, C>,
    phase: Phase,
    turns: Turns,
    next: &AtomicU64,
    stop: &Stop,
    mut cut: Stop,
) {
    loop {
        if stop.is_draining() || turns.deadline.is_some_and(|deadline| level.clock.now() >= deadline) {
            return;
        }
        let index = next.fetch_add(1, Relaxed);
        if index >= turns.count {
            return;
        }
        let ask = match phase {
            Phase::Warmup => level.work.schedule.warmup_ask(index),
            Phase::Measure => level.work.schedule.ask(index),
        };
        let due = level.prepare(ask, phase, None);
        if !level.perform(due, &mut cut).await {
            level.clock.until(level.clock.now() + UNREACHED).await;
        }
    }
}

/// Lets `everyone` go on for the level's grace after its deadline, then calls the rest timed out; a stop from outside
/// cancels at once.
pub(super) async fn with_grace<'a, T: Transport, C: Clock>(
    level: &'a Level<T, C>,
    everyone: impl FnOnce(Stop) -> futures_util::future::BoxFuture<'a, ()>,
    deadline: Option<Nanos>,
    stop: &Stop,
) -> Nanos {
    let (cutter, cut) = Stopper::new();
    let mut outside = stop.clone();
    let mut work = everyone(cut);
    let patience = async {
        match deadline {
            Some(deadline) => level.clock.until(deadline + level.work.grace).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = &mut work => return level.clock.now(),
        () = patience => cutter.expire(),
        () = outside.ended() => cutter.end(),
    }
    work.await;
    level.clock.now()
}
