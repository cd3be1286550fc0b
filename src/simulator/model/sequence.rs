//! One request inside the server, and when its tokens leave.

use super::fault::Fault;
use super::kv::Table;
use super::outbox::Ticket;
use super::spec::SimSpec;
use crate::base::Nanos;

/// A request that waits or runs.
#[derive(Debug)]
pub(super) struct Sequence {
    pub id: Ticket,
    pub arrival: Nanos,
    /// When it was first taken from the queue.
    pub admitted: Option<Nanos>,
    /// The instant at which the first token leaves.
    pub answered: Nanos,
    pub prompt: u32,
    pub max: u32,
    /// Hashes of the complete prompt blocks.
    pub hashes: Vec<u64>,
    pub fault: Fault,
    pub generated: u32,
    /// Tokens whose keys and values are in the cache.
    pub computed: u32,
    /// Tokens that the current step computes.
    pub planned: u32,
    pub table: Table,
    /// The natural instant of the first token.
    pub first: Option<Nanos>,
    /// The instant at which the latest token leaves.
    pub latest: Nanos,
    pub preempted: bool,
    /// Prompt tokens that the prefix cache held when the request was first admitted.
    pub cached: u32,
}

impl Sequence {
    /// Prompt and output tokens so far.
    pub(super) fn length(&self) -> u32 {
        self.prompt + self.generated
    }

    /// Tokens yet to compute before the next one can be sampled: 1 while decoding.
    pub(super) fn remaining(&self) -> u32 {
        self.length() - self.computed
    }

    pub(super) fn decodes(&self) -> bool {
        self.generated > 0 && self.remaining() == 1
    }

    /// Whether a fault after so many tokens is due; where there are none it is due at the end.
    pub(super) fn has_reached(&self, after: u32) -> bool {
        self.generated == after || self.max == 0
    }

    /// The instant at which the token that was sampled at `natural` leaves.
    pub(super) fn leaves(&mut self, natural: Nanos, stretch: &Stretch) -> Nanos {
        let first = *self.first.get_or_insert(natural);
        let pause = match self.fault {
            Fault::Stall { after, pause } if self.generated >= after || self.max == 0 => pause,
            _ => Nanos::ZERO,
        };
        self.arrival
            + scaled(first - self.arrival, stretch.ttft)
            + scaled(natural - first, stretch.itl)
            + pause
    }
}

/// Planted changes as factors on a request's natural spans, so that they are exact whatever else goes on.
///
/// Nothing can leave before it is sampled, so factors are at least 1: a planted improvement makes every step faster by
/// `hurry` and stretches what should not have improved. For a request alone that is exact too; under load the queues
/// shorten as well, as they would on a faster server.
#[derive(Debug)]
pub(super) struct Stretch {
    pub ttft: f64,
    pub itl: f64,
    pub hurry: f64,
}

impl Stretch {
    pub(super) fn new(spec: &SimSpec) -> Self {
        let (ttft, itl) = (1.0 + spec.ttft, 1.0 + spec.itl);
        let hurry = ttft.min(itl).min(1.0);
        Self { ttft: ttft / hurry, itl: itl / hurry, hurry }
    }
}

/// Exact for factor 1: spans stay far below 2^53 ns, which is a hundred days.
fn scaled(span: Nanos, factor: f64) -> Nanos {
    Nanos((span.0 as f64 * factor).round() as u64)
}
