//! A thread that looks at every GPU ten times a second while a level runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::course::CardCourse;
use super::reading::{Card, Lost, Reading};
use crate::base::Nanos;
use crate::host::{RealClock, stand_back};
use crate::metrics::Window;
use crate::protocol::prometheus::DcgmGpu;
use crate::record::GpuWindow;

/// NVML's own numbers are means over 20 ms to a second, so more looks would see nothing new.
const PERIOD: Duration = Duration::from_millis(100);
/// What is slow to read, or seldom changes.
const SLOW_PERIOD: Nanos = Nanos(1_000_000_000);
/// Readings of a GPU that are kept: a quarter of an hour of them. When there are more, every second one goes, and half as many
/// are taken from then on.
const READINGS_MAX: usize = 8_192;
/// Events that are taken at one look, so that a card that floods us is no endless loop.
const EVENTS_MAX: usize = 16;

/// Looks until it is told to finish. Dropping it ends the thread, too.
pub struct GpuSampler {
    stop: Sender<()>,
    thread: JoinHandle<GpuCourses>,
}

/// What was read of all GPUs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuCourses {
    cards: Vec<CardCourse>,
    /// One short sentence each on GPUs that could not be read.
    pub notes: Vec<String>,
}

impl GpuSampler {
    /// Instants are those of this clock. None where the system has no thread left for it.
    pub(super) fn start(nvml: Arc<Nvml>, clock: RealClock) -> Option<Self> {
        let (stop, stopped) = channel();
        let look = move || {
            stand_back();
            sample(&nvml, &stopped, clock)
        };
        let thread = Builder::new().name("gpus".to_owned()).spawn(look).ok()?;
        Some(Self { stop, thread })
    }

    /// Takes a last look and ends.
    pub fn finish(self) -> GpuCourses {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

impl GpuCourses {
    /// Books what an exporter said of a GPU at an instant of the run.
    pub fn take(&mut self, at: Nanos, gpu: &DcgmGpu) {
        let DcgmGpu { index, uuid, name, memory_total, xid, .. } = gpu;
        let same = |card: &Card| match uuid {
            Some(_) => card.uuid == *uuid,
            None => card.index == *index && card.uuid.is_none(),
        };
        let known = self.cards.iter().position(|course| same(&course.card));
        let first = known.is_none();
        let place = known.unwrap_or_else(|| {
            self.cards.push(CardCourse::new(Card {
                index: *index,
                name: name.clone(),
                uuid: uuid.clone(),
                memory_total: memory_total.map(|bytes| bytes as u64),
                ..Card::default()
            }));
            self.cards.len() - 1
        });
        let card = &mut self.cards[place];
        if card.len() >= READINGS_MAX {
            card.thin();
        }
        card.add(Reading {
            at,
            utilization: gpu.utilization,
            memory_utilization: gpu.memory_utilization,
            memory_used: gpu.memory_used,
            power: gpu.power,
            energy: gpu.energy,
            temperature: gpu.temperature,
            sm_clock: gpu.sm_clock,
            memory_clock: gpu.memory_clock,
            ..Reading::default()
        });
        // The exporter keeps the last error for ever: what stood there at the first look is an old one.
        card.see_xid(at, *xid, first);
    }

    /// The window of each GPU; `warmup` and `steady` are the spans whose energy is told besides.
    pub fn windows(&self, window: Window, warmup: Window, steady: Option<Window>) -> Vec<GpuWindow> {
        let one = |card: &CardCourse| GpuWindow {
            warmup_energy: card.energy(warmup),
            steady_energy: steady.and_then(|steady| card.energy(steady)),
            ..card.window(window)
        };
        self.cards.iter().map(one).collect()
    }
}

fn sample(nvml: &Nvml, stopped: &Receiver<()>, clock: RealClock) -> GpuCourses {
    let mut notes = Vec::new();
    let mut cards = Vec::new();
    for index in 0..nvml.device_count().unwrap_or(0) {
        let found = nvml.device_by_index(index).and_then(|device| {
            let card = Card::of(&device, index)?;
            Ok((device, CardCourse::new(card)))
        });
        match found {
            Ok(found) => cards.push(found),
            Err(error) => notes.push(format!("GPU {index} could not be read: {error}")),
        }
    }
    let mut events = events(nvml, &cards);
    let mut period = PERIOD;
    let (mut slow_at, mut next) = (None::<Nanos>, clock.now());
    loop {
        // What is to be the last look must not lie before the end of the window, so it comes after the word to stop.
        next = next + period.into();
        let wait = next - clock.now();
        let slow = slow_at.is_none_or(|at| clock.now() - at >= SLOW_PERIOD);
        if slow {
            slow_at = Some(clock.now());
        }
        look(&mut cards, slow, clock);
        events = events.and_then(|events| take_events(events, &mut cards, clock));
        if cards.iter().any(|(_, course)| course.len() >= READINGS_MAX) {
            for (_, course) in &mut cards {
                course.thin();
            }
            period *= 2;
        }
        if stopped.recv_timeout(wait.into()) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        next = next.max(clock.now());
    }
    look(&mut cards, true, clock);
    if let Some(events) = events {
        take_events(events, &mut cards, clock);
    }
    GpuCourses { cards: cards.into_iter().map(|(_, course)| course).collect(), notes }
}

fn look(cards: &mut [(Device<'_>, CardCourse)], slow: bool, clock: RealClock) {
    for (device, course) in cards.iter_mut().filter(|(_, course)| !course.is_lost()) {
        match course.card.read(device, clock.now(), slow) {
            Ok(reading) => course.add(reading),
            Err(Lost) => course.lose(),
        }
    }
}

/// Where the driver tells of critical errors; none where it does not.
fn events<'a>(nvml: &'a Nvml, cards: &[(Device<'a>, CardCourse)]) -> Option<EventSet<'a>> {
    let telling = cards.iter().filter(|(device, _)| {
        device.supported_event_types().is_ok_and(|types| types.contains(EventTypes::CRITICAL_XID_ERROR))
    });
    let mut set = nvml.create_event_set().ok()?;
    let mut any = false;
    for (device, _) in telling {
        set = device.register_events(EventTypes::CRITICAL_XID_ERROR, set).ok()?;
        any = true;
    }
    any.then_some(set)
}

/// Books what has happened since the last look; the set is gone when the driver does not answer for it any more.
fn take_events<'a>(
    events: EventSet<'a>,
    cards: &mut [(Device<'_>, CardCourse)],
    clock: RealClock,
) -> Option<EventSet<'a>> {
    for _ in 0..EVENTS_MAX {
        let event = match events.wait(0) {
            Ok(event) => event,
            Err(NvmlError::Timeout) => return Some(events),
            Err(_) => return None,
        };
        let xid = match event.event_data {
            Some(XidError::Value(xid)) => xid,
            Some(XidError::Unknown) => UNKNOWN_XID,
            None => continue,
        };
        let index = event.device.index().ok();
        if let Some((_, course)) = cards.iter_mut().find(|(_, course)| Some(course.card.index) == index) {
            course.add_xid(clock.now(), xid);
        }
    }
    Some(events)
}

/// NVML's word for an error whose number it does not know.
const UNKNOWN_XID: u64 = 999;
