//! The servers that take part, each opened when the other does not stand in its way.

use super::error::AppError;
use super::measure::Bench;
use super::preflight::preflight;
use super::rounds::turns;
use super::server::{self, Server};
use super::watch::Watcher;
use crate::config::Resolved;
use crate::engine::Stop;
use crate::record::Arm;

/// One side, or two.
pub(super) struct Stage {
    pub(super) candidate: Server,
    /// Where one stands beside the candidate's.
    pub(super) baseline: Option<Server>,
}

impl Stage {
    /// Opens the plan's servers. Of two that never run at the same time, the one whose round comes later is tried first, and
    /// sleeps until then: that it does not start at all should be known before an hour of load.
    pub(super) async fn open(
        resolved: &Resolved,
        bench: &Bench<'_>,
        (watcher, stop): (&mut dyn Watcher, &Stop),
    ) -> Result<Self, AppError> {
        let Some(plan) = &resolved.plan.baseline else {
            let candidate = server::open(resolved, Arm::Candidate, 1, (watcher, stop)).await?;
            return Ok(Self { candidate, baseline: None });
        };
        let order = turns(&resolved.plan, 1);
        let is_later = |arm: Arm| plan.in_turn && order.last() == Some(&arm);
        let mut sides = Vec::new();
        for arm in if is_later(Arm::Baseline) {
            [Arm::Baseline, Arm::Candidate]
        } else {
            [Arm::Candidate, Arm::Baseline]
        } {
            let mut server = server::open(resolved, arm, 1, (&mut *watcher, stop)).await?;
            if is_later(arm) {
                preflight(bench, &server, stop).await?;
                server.sleep();
            }
            sides.push((arm, server));
        }
        sides.sort_by_key(|(arm, _)| *arm == Arm::Baseline);
        let mut servers = sides.into_iter().map(|(_, server)| server);
        match (servers.next(), servers.next()) {
            (Some(candidate), baseline) => Ok(Self { candidate, baseline }),
            (None, _) => Err(AppError::usage("no server is given", "add --server http://localhost:8000")),
        }
    }

    /// One request of each kind to every server that is awake.
    pub(super) async fn preflight(&self, bench: &Bench<'_>, stop: &Stop) -> Result<(), AppError> {
        for server in [Some(&self.candidate), self.baseline.as_ref()].into_iter().flatten() {
            if !server.is_asleep() {
                preflight(bench, server, stop).await?;
            }
        }
        Ok(())
    }
}
