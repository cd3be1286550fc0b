//! What is seen beside a level's rows while it runs: this machine's GPUs, those of exporters, the server's log.

use super::dcgm::DcgmFollower;
use super::server::Server;
use super::sight::Sight;
use crate::base::Nanos;
use crate::config::RunPlan;
use crate::host::RealClock;
use crate::metrics::Window;
use crate::record::Observed;
use crate::telemetry::{GpuSampler, LogFollower};

/// Looks on from a level's first request to its last. Its parts know nothing of each other.
pub(super) struct Observer {
    began: Nanos,
    gpus: Option<GpuSampler>,
    far: Option<DcgmFollower>,
    log: Option<LogFollower>,
}

impl Observer {
    /// Begins before anything of the level is sent.
    pub(super) fn start(server: &Server, plan: &RunPlan, clock: RealClock) -> Self {
        let gpus = match &server.gpus {
            Sight::Seen(gpus) => gpus.sample(clock),
            Sight::Blind(_) | Sight::Elsewhere => None,
        };
        let log = server.log(plan).and_then(|path| LogFollower::start(path, clock));
        let far = DcgmFollower::start(&plan.target.metrics.dcgm, clock);
        Self { began: clock.now(), gpus, far, log }
    }

    /// What was seen in the measured window, and the energy of the warm-up before it and of its steady state.
    pub(super) fn finish(self, window: Window, steady: Option<Window>) -> Observed {
        let Self { began, gpus, far, log } = self;
        let mut observed = Observed::default();
        let warmup = Window { start: began, end: window.start };
        for courses in gpus.map(GpuSampler::finish).into_iter().chain(far.map(DcgmFollower::finish)) {
            observed.gpus.extend(courses.windows(window, warmup, steady));
            observed.notes.extend(courses.notes);
        }
        if let Some(course) = log.map(LogFollower::finish) {
            observed.log = course.window(window);
            observed.notes.extend(course.note);
        }
        observed
    }
}
