//! Levels and their pace: loads, laws of arrivals, ends, and the traces that pace them.

use std::path::PathBuf;

use super::{Curve, Pace, Shard, ShardError, Starts};
use crate::base::{Nanos, Rate};

/// A recorded trace and how it is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFile {
    pub path: PathBuf,
    /// What bare numbers in its column of times mean; none where the format says it.
    pub unit: Option<TimeUnit>,
    /// Tokens that one of its `hash_ids` stands for.
    pub block: u32,
}

/// The unit of bare numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl TimeUnit {
    pub const ALL: [Self; 4] = [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos];

    /// As it is written: `s`, `ms`, `us`, `ns`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }

    pub(super) fn nanos(self) -> u64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

/// One load of a sweep and when it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub load: Load,
    pub limit: Limit,
}

impl Level {
    /// The number that is turned up in a sweep: clients, or requests per second; none where the load has no such number.
    pub fn load_number(&self) -> Option<f64> {
        match &self.load {
            Load::Closed { concurrency, .. } => Some(f64::from(*concurrency)),
            Load::Open { rate, .. } => rate.then().map(Rate::per_second),
            Load::Replay { .. } => None,
        }
    }

    /// `c=32`, `rate=8`, `rate=8 gamma(0.5)`, `stages …`, `replay`: the level's name in tables, keys and documents.
    pub fn label(&self) -> String {
        match &self.load {
            Load::Closed { concurrency, ramp_up: Nanos::ZERO } => format!("c={concurrency}"),
            Load::Closed { concurrency, ramp_up } => format!("c={concurrency} ramp({}s)", ramp_up.secs()),
            Load::Open { rate, arrivals: Arrivals::Gamma { shape }, .. } => {
                format!("{} gamma({shape})", rate.label())
            }
            Load::Open { rate, .. } => rate.label(),
            Load::Replay { window, .. } => match window.speed() {
                Some(speed) => format!("replay x{speed}"),
                None => "replay".to_owned(),
            },
        }
    }

    /// Arrivals by the clock, so requests have due times.
    pub fn is_open(&self) -> bool {
        match self.load {
            Load::Closed { .. } => false,
            Load::Open { .. } | Load::Replay { .. } => true,
        }
    }

    /// Who sends in this part of the level.
    pub fn pace(&self, shard: Shard) -> Pace {
        match self.load {
            Load::Closed { concurrency, ramp_up } => Pace::Closed {
                clients: shard.share(u64::from(concurrency)) as u32,
                starts: Starts::new(ramp_up, concurrency, shard),
            },
            Load::Open { max_in_flight, .. } | Load::Replay { max_in_flight, .. } => Pace::Open {
                max_in_flight: max_in_flight.map(|places| shard.share(u64::from(places)) as u32),
            },
        }
    }

    /// How long it is planned to send; none where only a number of requests ends it.
    pub fn deadline(&self) -> Option<Nanos> {
        let limit = match self.limit {
            Limit::Requests(_) | Limit::Load => None,
            Limit::Duration(duration) | Limit::Either { duration, .. } => Some(duration),
        };
        let own = match &self.load {
            Load::Open { rate, .. } => rate.length(),
            Load::Closed { .. } | Load::Replay { .. } => None,
        };
        limit.into_iter().chain(own).min()
    }

    /// Whether each of so many shards has something to do, as far as the plan alone tells.
    pub fn check_shards(&self, shards: u32) -> Result<(), ShardError> {
        let (parts, what) = match self.load {
            Load::Closed { concurrency, .. } => (Some(u64::from(concurrency)), "clients"),
            Load::Open { max_in_flight, .. } | Load::Replay { max_in_flight, .. } => {
                (max_in_flight.map(u64::from), "places in flight")
            }
        };
        let requests = match self.limit {
            Limit::Requests(requests) | Limit::Either { requests, .. } => Some(requests),
            Limit::Duration(_) | Limit::Load => None,
        };
        let scarce = [(parts, what), (requests, "requests")]
            .into_iter()
            .find_map(|(parts, what)| Some((parts.filter(|parts| *parts < u64::from(shards))?, what)));
        match scarce {
            Some((parts, what)) => Err(ShardError { level: self.label(), parts, what, shards }),
            None => Ok(()),
        }
    }
}

/// How requests are paced.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// A fixed number of clients, each sending its next request when the last one ended; they start one by one over
    /// `ramp_up`, or at once where that is zero.
    Closed { concurrency: u32, ramp_up: Nanos },
    /// Arrivals by the clock; beyond `max_in_flight` they queue and their wait is counted.
    Open { rate: Curve, arrivals: Arrivals, max_in_flight: Option<u32> },
    /// Arrivals as a trace recorded them.
    Replay { window: Replay, max_in_flight: Option<u32> },
}

/// Which part of a trace is sent, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// Factor on time: 0.5 sends twice as fast. Finite, above zero.
    pub scale: f64,
    /// Since the trace's first request, in the trace's own time.
    pub from: Nanos,
    pub until: Option<Nanos>,
}

impl Replay {
    /// How many times faster than recorded, to four digits; none where it is as recorded.
    fn speed(&self) -> Option<f64> {
        let speed = (1e4 / self.scale).round() / 1e4;
        // Slower than a ten-thousandth is named by what it is.
        let speed = if speed > 0.0 { speed } else { 1.0 / self.scale };
        (speed.to_bits() != 1.0_f64.to_bits()).then_some(speed)
    }
}

/// The law of the gaps between arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    Constant,
    Poisson,
    /// Gamma gaps of this shape: 1 is Poisson, less is burstier, more is steadier. Finite, above zero.
    Gamma {
        shape: f64,
    },
}

impl Arrivals {
    /// `constant`, `poisson` or `gamma`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Gamma { .. } => "gamma",
        }
    }
}

/// When a level ends; with both, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Requests(u64),
    Duration(Nanos),
    Either {
        requests: u64,
        duration: Nanos,
    },
    /// With its load, which ends by itself: after its stages, or with its trace.
    Load,
}
