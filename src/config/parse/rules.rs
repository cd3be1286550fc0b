//! Which metrics a run can have at all, for SLOs, tolerances and objectives alike.

use crate::config::error::{Wrong, wrong};
use crate::record::{Metric, MetricKey};

/// What decides whether a metric exists in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that have nothing to do with each other")]
pub(in crate::config) struct Setup {
    /// Arrivals by the clock.
    pub(in crate::config) open: bool,
    pub(in crate::config) stream: bool,
    /// Whether answers are generated, so that they have output tokens.
    pub(in crate::config) generates: bool,
    pub(in crate::config) slos: bool,
}

impl Setup {
    /// The metric that is meant here. With arrivals by the clock, users wait from when they asked (coordinated
    /// omission), so `ttft` and `e2e` count from the due time.
    pub(super) fn admit(self, metric: Metric) -> Result<Metric, Wrong> {
        let metric = match metric {
            Metric::Ttft if self.open => Metric::TtftFromDue,
            Metric::E2e if self.open => Metric::E2eFromDue,
            other => other,
        };
        match metric {
            Metric::TtftFromDue | Metric::E2eFromDue | Metric::SendLag if !self.open => Err(wrong(
                "only a load that arrives by the clock has due times",
                format!("use {} here, or pace the load with --rate", without_due(metric)),
            )),
            Metric::Goodput | Metric::GoodputRate if !self.slos => Err(wrong(
                "goodput needs limits that make a request good",
                "add them, for example --goodput ttft:500,tpot:50 (in a file: slo)",
            )),
            metric if !self.generates && (needs_stream(metric) || metric == Metric::OutputThroughput) => {
                Err(wrong(
                    format!("{metric} needs generated tokens, and this --api generates none"),
                    "use e2e, request_throughput or total_throughput",
                ))
            }
            metric if !self.stream && needs_stream(metric) => Err(wrong(
                format!("{metric} needs a stream, and streaming is off"),
                "use e2e, or switch streaming on with --stream",
            )),
            metric => Ok(metric),
        }
    }

    pub(super) fn admit_key(self, key: MetricKey) -> Result<MetricKey, Wrong> {
        Ok(MetricKey { metric: self.admit(key.metric)?, stat: key.stat })
    }
}

fn without_due(metric: Metric) -> Metric {
    if metric == Metric::E2eFromDue { Metric::E2e } else { Metric::Ttft }
}

fn needs_stream(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Ttft
            | Metric::TtftFromDue
            | Metric::Ttfo
            | Metric::Ttst
            | Metric::Tpot
            | Metric::TpotExact
            | Metric::Icl
            | Metric::Itl
            | Metric::MaxStall
            | Metric::TokensPerUser
    )
}
