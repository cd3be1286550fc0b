//! What happens to a benchmark, told to everybody who looks on: late ones are told the state so far, slow ones what they missed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::document::v1::service::{BenchmarkDocument, EventDocument, LevelEvent, TickEvent};
use crate::host::RealClock;

/// One message as it travels, made once for all listeners.
pub(super) type Message = Arc<str>;

/// Messages that a listener may be behind before it misses some: a minute of ticks.
const BEHIND_MAX: usize = 512;
/// Ticks of the level under way that late listeners are told; beyond it every other one is let go.
const TICKS_MAX: usize = 2_000;
/// Notes that late listeners are told.
const NOTES_MAX: usize = 50;

/// The place at which the events of one benchmark come together.
pub(super) struct Hub {
    past: Mutex<Past>,
}

struct Past {
    state: BenchmarkDocument,
    notes: VecDeque<EventDocument>,
    level: Option<LevelEvent>,
    ticks: Vec<TickEvent>,
    /// None when nothing more will come.
    live: Option<broadcast::Sender<Message>>,
}

/// What a new listener is told at once, and where the rest comes from.
pub(super) struct Listening {
    pub(super) first: VecDeque<Message>,
    /// None where it is over.
    pub(super) rest: Option<broadcast::Receiver<Message>>,
}

impl Hub {
    pub(super) fn new(state: BenchmarkDocument) -> Self {
        let (live, _) = broadcast::channel(BEHIND_MAX);
        let past = Past { state, notes: VecDeque::new(), level: None, ticks: Vec::new(), live: Some(live) };
        Self { past: Mutex::new(past) }
    }

    pub(super) fn listen(&self) -> Listening {
        let past = self.past();
        let state = EventDocument::State { benchmark: Box::new(past.state.clone()) };
        let level = past.level.clone().map(EventDocument::Level);
        let ticks = past.ticks.iter().cloned().map(EventDocument::Tick);
        let told = std::iter::once(state).chain(past.notes.iter().cloned()).chain(level).chain(ticks);
        Listening {
            first: told.map(|event| text(&event)).collect(),
            rest: past.live.as_ref().map(broadcast::Sender::subscribe),
        }
    }

    /// What is to be said of a benchmark that is over.
    pub(super) fn only_state(&self) -> Listening {
        Listening { rest: None, ..self.listen() }
    }

    pub(super) fn state(&self) -> BenchmarkDocument {
        self.past().state.clone()
    }

    /// A new state. One that is over is the last message.
    pub(super) fn set_state(&self, state: BenchmarkDocument) {
        let mut past = self.past();
        let over = state.state.is_over();
        past.state = state.clone();
        past.tell(&EventDocument::State { benchmark: Box::new(state) });
        if over {
            past.live = None;
            past.level = None;
            past.ticks.clear();
        }
    }

    pub(super) fn note(&self, text: &str) {
        let mut past = self.past();
        let note = EventDocument::Note { at: RealClock::wall_ms(), text: text.to_owned() };
        past.tell(&note);
        if past.notes.len() == NOTES_MAX {
            past.notes.pop_front();
        }
        past.notes.push_back(note);
    }

    pub(super) fn level(&self, level: LevelEvent) {
        let mut past = self.past();
        past.ticks.clear();
        past.level = Some(level.clone());
        past.tell(&EventDocument::Level(level));
    }

    pub(super) fn tick(&self, tick: TickEvent) {
        let mut past = self.past();
        past.tell(&EventDocument::Tick(tick.clone()));
        if past.ticks.len() >= TICKS_MAX {
            let mut at = 0_usize;
            past.ticks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
        past.ticks.push(tick);
    }

    pub(super) fn level_end(&self, tick: TickEvent) {
        let mut past = self.past();
        past.tell(&EventDocument::LevelEnd(tick));
        past.level = None;
        past.ticks.clear();
    }

    /// The newest tick of the level under way.
    pub(super) fn newest(&self) -> Option<TickEvent> {
        self.past().ticks.last().cloned()
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    fn tell(&self, event: &EventDocument) {
        if let Some(live) = &self.live {
            // Nobody may be listening.
            let _count = live.send(text(event)).ok();
        }
    }
}

/// An event as JSON. Its types hold nothing that JSON cannot say.
pub(super) fn text(event: &EventDocument) -> Message {
    serde_json::to_string(event).unwrap_or_default().into()
}

/// How many listeners each address has: sockets and event streams live long, so that they are counted.
#[derive(Default)]
pub(super) struct Seats(Mutex<BTreeMap<std::net::IpAddr, usize>>);

/// One listener's place; dropping it frees it.
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: std::net::IpAddr,
}

/// Listeners of one address, and of all together.
const SEATS_EACH: usize = 32;
const SEATS_ALL: usize = 512;

impl Seats {
    /// A place, where one is free.
    pub(super) fn take(self: &Arc<Self>, address: std::net::IpAddr) -> Option<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = seats.values().sum();
        let own = seats.entry(address).or_default();
        if *own >= SEATS_EACH || all >= SEATS_ALL {
            return None;
        }
        *own += 1;
        Some(Seat { seats: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = seats.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                seats.remove(&self.address);
            }
        }
    }
}
