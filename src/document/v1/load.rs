//! One load and its end, in a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::Nanos;
use crate::workload::{Arrivals, Curve, Level, Limit, Load, Replay, TimeUnit, TraceFile};

/// One load and its end. What a kind of load has not is null or absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadDocument {
    pub label: String,
    /// Closed loop: clients at once.
    pub concurrency: Option<u32>,
    /// Open loop: requests per second, after the ramp where there is one.
    pub rate: Option<f64>,
    /// `constant`, `poisson` or `gamma`; null for a trace, which has its own.
    pub arrivals: Option<String>,
    /// Shape of gamma arrivals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burstiness: Option<f64>,
    /// Time in which the rate rises, or the clients start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up_s: Option<f64>,
    /// Requests per second at the ramp's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up_from: Option<f64>,
    /// Rates that change: `2@30s,2..20@60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<String>,
    /// The part of the trace that is replayed, and how fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceDocument>,
    pub max_in_flight: Option<u32>,
    pub requests: Option<u64>,
    pub duration_s: Option<f64>,
}

/// How a trace is read and replayed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceDocument {
    /// Factor on its times.
    pub time_scale: f64,
    /// Since its first request.
    pub from_s: f64,
    pub until_s: Option<f64>,
    /// Of bare numbers in its column of times: `s`, `ms`, `us`, `ns`; null where the file says it.
    pub unit: Option<String>,
    /// Tokens behind one of its `hash_ids`.
    pub block_tokens: u32,
}

impl LoadDocument {
    /// With how the trace is read, where the load replays one.
    pub(super) fn with(self, file: &TraceFile) -> Self {
        let TraceFile { path: _, unit, block } = file;
        let read = |trace| TraceDocument {
            unit: unit.map(|unit| TimeUnit::id(unit).to_owned()),
            block_tokens: *block,
            ..trace
        };
        Self { trace: self.trace.map(read), ..self }
    }
}

impl From<&Level> for LoadDocument {
    fn from(level: &Level) -> Self {
        let Level { load, limit } = level;
        let (requests, duration) = match *limit {
            Limit::Requests(requests) => (Some(requests), None),
            Limit::Duration(duration) => (None, Some(duration)),
            Limit::Either { requests, duration } => (Some(requests), Some(duration)),
            Limit::Load => (None, None),
        };
        let ended =
            Self { label: level.label(), requests, duration_s: duration.map(Nanos::secs), ..Self::default() };
        match load {
            Load::Closed { concurrency, ramp_up } => Self {
                concurrency: Some(*concurrency),
                ramp_up_s: (*ramp_up > Nanos::ZERO).then(|| ramp_up.secs()),
                ..ended
            },
            Load::Open { rate, arrivals, max_in_flight } => Self {
                arrivals: Some(arrivals.id().to_owned()),
                burstiness: match arrivals {
                    Arrivals::Constant | Arrivals::Poisson => None,
                    Arrivals::Gamma { shape } => Some(*shape),
                },
                max_in_flight: *max_in_flight,
                ..ended.with_rate(rate)
            },
            Load::Replay { window: Replay { scale, from, until }, max_in_flight } => Self {
                trace: Some(TraceDocument {
                    time_scale: *scale,
                    from_s: from.secs(),
                    until_s: until.map(Nanos::secs),
                    ..TraceDocument::default()
                }),
                max_in_flight: *max_in_flight,
                ..ended
            },
        }
    }
}

impl LoadDocument {
    fn with_rate(self, rate: &Curve) -> Self {
        let Some(then) = rate.then() else {
            return Self { stages: Some(rate.to_string()), ..self };
        };
        let ramp = rate.pieces().first();
        Self {
            rate: Some(then.per_second()),
            ramp_up_s: ramp.map(|piece| piece.span.secs()),
            ramp_up_from: ramp.map(|piece| piece.from),
            ..self
        }
    }
}
