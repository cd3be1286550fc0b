//! The thread that owns the model and lets its emissions out at their instants.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Sender, error::TrySendError as SinkError};
use tokio::sync::oneshot;

use super::clock::Clock;
use crate::base::Nanos;
use crate::simulator::model::{Counters, Emission, Gauges, Model, Refusal, SimAsk, Ticket, What};

/// Commands that may wait for the driver; it needs microseconds for each, so a full queue means a server beyond its means.
const COMMANDS_MAX: usize = 8_192;
/// How long the driver sleeps at most: it needs no wake-up while idle, only a bound for the wait.
const IDLE: Duration = Duration::from_hours(1);

/// The way to the driver; the thread ends when the last of these is gone.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    commands: SyncSender<Command>,
}

/// A request on its way in, one ask for each of its sequences. `sink` must hold every emission of all of them.
#[derive(Debug)]
pub(super) struct Entry {
    pub arrival: Nanos,
    pub asks: Vec<SimAsk>,
    pub sink: Sender<Emission>,
}

/// The server at one instant.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub counters: Counters,
    pub gauges: Gauges,
}

enum Command {
    Submit(Entry, oneshot::Sender<Result<Vec<Ticket>, Refusal>>),
    Cancel(Ticket),
    Snapshot(oneshot::Sender<Snapshot>),
}

impl Driver {
    /// Starts the thread. A thread, not a task: it sleeps on a condition variable, which wakes within a tenth of a
    /// millisecond, where the runtime's timers count whole milliseconds.
    pub(super) fn start(model: Model, clock: Clock) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(COMMANDS_MAX);
        thread::Builder::new().name("sim-model".to_owned()).spawn(move || drive(model, clock, &inbox))?;
        Ok(Self { commands })
    }

    /// Hands a request in; `None` when the driver is too busy to take it.
    pub(super) async fn submit(&self, entry: Entry) -> Option<Result<Vec<Ticket>, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Submit(entry, reply)).ok()?;
        answer.await.ok()
    }

    /// Should the queue be full, the model finds the request's sink closed at its next token instead.
    pub(super) fn cancel(&self, id: Ticket) {
        match self.commands.try_send(Command::Cancel(id)) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    pub(super) async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Snapshot(reply)).ok()?;
        answer.await.ok()
    }
}

fn drive(mut model: Model, clock: Clock, inbox: &Receiver<Command>) {
    let mut sinks = BTreeMap::new();
    loop {
        deliver(&mut model, &mut sinks, clock.now());
        let wait = match model.next_event() {
            Some(at) => Duration::from(at - clock.now()),
            None => IDLE,
        };
        match inbox.recv_timeout(wait) {
            Ok(command) => obey(&mut model, &mut sinks, command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn obey(model: &mut Model, sinks: &mut BTreeMap<Ticket, Sender<Emission>>, command: Command) {
    // A reply that nobody awaits any more is no loss, except for tickets: their request is cancelled.
    match command {
        Command::Submit(Entry { arrival, asks, sink }, reply) => {
            let answer = submit_all(model, arrival, asks);
            match reply.send(answer.clone()) {
                Ok(()) => answer.into_iter().flatten().for_each(|id| drop(sinks.insert(id, sink.clone()))),
                Err(_) => answer.into_iter().flatten().for_each(|id| model.cancel(id)),
            }
        }
        Command::Cancel(id) => {
            model.cancel(id);
            sinks.remove(&id);
        }
        Command::Snapshot(reply) => {
            let snapshot = Snapshot { counters: model.counters().clone(), gauges: model.gauges() };
            drop(reply.send(snapshot));
        }
    }
}

/// All sequences of a request, or none when the model refuses one.
fn submit_all(model: &mut Model, arrival: Nanos, asks: Vec<SimAsk>) -> Result<Vec<Ticket>, Refusal> {
    let mut tickets = Vec::with_capacity(asks.len());
    for ask in asks {
        match model.submit(arrival, ask) {
            Ok(id) => tickets.push(id),
            Err(refusal) => {
                for id in tickets {
                    model.cancel(id);
                }
                return Err(refusal);
            }
        }
    }
    Ok(tickets)
}

fn deliver(model: &mut Model, sinks: &mut BTreeMap<Ticket, Sender<Emission>>, now: Nanos) {
    for emission in model.advance(now) {
        let Some(sink) = sinks.get(&emission.id) else {
            continue;
        };
        match sink.try_send(emission) {
            Ok(()) if matches!(emission.what, What::Token { .. }) => continue,
            Ok(()) => {}
            Err(SinkError::Closed(_) | SinkError::Full(_)) => model.cancel(emission.id),
        }
        sinks.remove(&emission.id);
    }
}
