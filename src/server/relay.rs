//! The watcher of a benchmark that runs here: what it hears becomes events, and counts for the metrics.

use std::sync::Arc;

use super::events::Hub;
use super::meters::Meters;
use crate::app::{GpuEye, LevelTitle, Live, Watcher};
use crate::base::Nanos;
use crate::document::v1::service::{GpuGlance, LevelEvent, PercentilesDocument, TickEvent};
use crate::document::v1::{GpuNowDocument, RunDocument};
use crate::host::RealClock;
use crate::metrics::Percentiles;

/// Tells a hub.
pub(super) struct Relay {
    hub: Arc<Hub>,
    meters: Arc<Meters>,
    /// Set at the first level that this machine's GPUs serve.
    eye: Option<GpuEye>,
    looks: bool,
    clock: RealClock,
    looked: Option<Nanos>,
    measured: Option<RunDocument>,
}

/// Between two looks at the GPUs.
const LOOK_EVERY: Nanos = Nanos(1_000_000_000);

impl Relay {
    pub(super) fn new(hub: Arc<Hub>, meters: Arc<Meters>) -> Self {
        Self { hub, meters, eye: None, looks: false, clock: RealClock::start(), looked: None, measured: None }
    }

    /// All that was measured, also where it could not be written.
    pub(super) fn into_measured(self) -> Option<RunDocument> {
        self.measured
    }

    fn glance(&mut self) -> Vec<GpuGlance> {
        let now = self.clock.now();
        if !self.looks || self.looked.is_some_and(|looked| now - looked < LOOK_EVERY) {
            return Vec::new();
        }
        self.looked = Some(now);
        self.eye.as_ref().map(|eye| eye.look().gpus.iter().map(glance_of).collect()).unwrap_or_default()
    }

    fn event(&mut self, live: &Live) -> TickEvent {
        let Live { reading, so_far, due, elapsed } = live;
        TickEvent {
            elapsed_s: elapsed.map(Nanos::secs),
            queued: reading.queued,
            sent: reading.sent,
            in_flight: reading.in_flight(),
            succeeded: reading.succeeded,
            failed: reading.failed,
            tokens: reading.tokens,
            due: *due,
            ttft_ms: so_far.ttft.map(percentiles),
            itl_ms: so_far.itl.map(percentiles),
            failures: so_far.failures.iter().map(|(class, count)| (class.id().to_owned(), *count)).collect(),
            gpus: self.glance(),
        }
    }
}

impl Watcher for Relay {
    fn note(&mut self, text: &str) {
        self.hub.note(text);
    }

    fn started(&mut self, title: &LevelTitle) {
        let LevelTitle {
            round,
            rounds,
            arm,
            label,
            labels,
            open_loop,
            requests,
            duration,
            model,
            hardware,
            gpus,
        } = title.clone();
        self.looks = !gpus.is_empty();
        if self.looks && self.eye.is_none() {
            self.eye = Some(GpuEye::open(None));
        }
        let mut state = self.hub.state();
        if state.model.as_ref() != Some(&model) || state.hardware.as_ref() != Some(&hardware) {
            state.model = Some(model.clone());
            state.hardware = Some(hardware.clone());
            self.hub.set_state(state);
        }
        let arm = arm.map(|arm| arm.id().to_owned());
        let duration_s = duration.map(Nanos::secs);
        self.hub.level(LevelEvent {
            round,
            rounds,
            arm,
            label,
            labels,
            open_loop,
            requests,
            duration_s,
            model,
            hardware,
        });
    }

    fn tick(&mut self, live: &Live) {
        let event = self.event(live);
        self.hub.tick(event);
    }

    fn finished(&mut self, live: &Live) {
        let event = self.event(live);
        self.meters.count_level(&event);
        self.hub.level_end(event);
    }

    fn measured(&mut self, document: &RunDocument) {
        self.measured = Some(document.clone());
    }
}

fn percentiles(percentiles: Percentiles) -> PercentilesDocument {
    let Percentiles { p50, p95, p99 } = percentiles;
    PercentilesDocument { p50, p95, p99 }
}

fn glance_of(gpu: &GpuNowDocument) -> GpuGlance {
    GpuGlance {
        index: gpu.index,
        name: gpu.name.clone(),
        utilization: gpu.utilization,
        memory_used_bytes: gpu.memory_used_bytes,
        memory_total_bytes: gpu.memory_total_bytes,
        power_w: gpu.power_w,
        temperature_c: gpu.temperature_c,
    }
}
