//! What the client's machine suffered while one level was measured.

use crate::base::Nanos;
use crate::host::{self, Strain, limits, usage};
use crate::validity::MachineLoad;

/// From the level's start on: counters as they were, and the most of what comes and goes.
#[derive(Debug)]
pub(super) struct Watch {
    before: Strain,
    files: u64,
    ports: Option<(u64, u64)>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self { before: host::strain(), files: 0, ports: None }
    }

    /// Looks at what comes and goes; once a second is enough, since connections stay.
    pub(super) fn look(&mut self) {
        self.files = self.files.max(usage::own().map_or(0, |usage| usage.open_files));
        self.ports = host::ports().max(self.ports);
    }

    /// All told, after a level of this length.
    pub(super) fn end(&self, wall: Nanos) -> MachineLoad {
        difference(self, &host::strain(), limits::open_files(), wall)
    }
}

fn difference(watch: &Watch, now: &Strain, allowed: Option<u64>, wall: Nanos) -> MachineLoad {
    let Watch { before, files, ports } = watch;
    let grown = |before: Option<u64>, now: Option<u64>| now?.checked_sub(before?);
    let share = |part: Option<u64>, whole: f64| part.filter(|_| whole > 0.0).map(|part| part as f64 / whole);
    let ticks = grown(before.ticks, now.ticks).unwrap_or(0);
    MachineLoad {
        files: allowed.filter(|_| *files > 0).map(|allowed| (*files, allowed)),
        ports: *ports,
        resent: grown(before.resent, now.resent).zip(grown(before.segments, now.segments)),
        throttled: share(grown(before.throttled_us, now.throttled_us), wall.secs() * 1e6),
        stolen: share(grown(before.stolen, now.stolen), ticks as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_the_difference_of_its_ends() {
        let at = |n: u64| Strain {
            resent: Some(n),
            segments: Some(100 * n),
            throttled_us: Some(1_000 * n),
            stolen: Some(n),
            ticks: Some(50 * n),
        };
        let watch = Watch { before: at(2), files: 40, ports: Some((7, 100)) };
        let seen = difference(&watch, &at(12), Some(1_024), Nanos::from_ms(100.0));
        let wanted = MachineLoad {
            files: Some((40, 1_024)),
            ports: Some((7, 100)),
            resent: Some((10, 1_000)),
            throttled: Some(0.1),
            stolen: Some(0.02),
        };
        assert_eq!(seen, wanted);
        let nothing =
            difference(&Watch { files: 0, ports: None, ..watch }, &Strain::default(), None, Nanos::ZERO);
        assert_eq!(nothing, MachineLoad::default());
    }
}
