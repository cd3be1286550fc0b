//! What a summary holds of the course of its window: slices of time, and single requests as examples.

use crate::base::Nanos;
use crate::record::FailureClass;

/// The window in slices of equal width, from its start to its end; the last one may be cut by the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub width: Nanos,
    /// At most `Series::SLICES_MAX`.
    pub slices: Vec<Slice>,
}

impl Series {
    /// A point per two pixels of a wide chart, and three seconds each in half an hour.
    pub const SLICES_MAX: usize = 600;
}

/// What happened in one slice. A request is counted as sent in the slice of its sending and as ended in that of its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slice {
    pub sent: u64,
    pub succeeded: u64,
    /// Without those that we cut ourselves.
    pub failed: u64,
    /// Tokens of successes, and of requests that we cut, at their arrival.
    pub output_tokens: f64,
    /// Mean number of requests in flight.
    pub in_flight: f64,
    /// TTFT in milliseconds of the successes that were sent in this slice, within half a percent; none without any.
    pub ttft_p50: Option<f64>,
    pub ttft_p95: Option<f64>,
    /// Longest gap between two chunks of a success that ended in this slice, in milliseconds; none without any gap.
    pub max_stall: Option<f64>,
}

/// One request of the sample. Latencies are in milliseconds, and of a failed request as far as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it was sent, since the window's start; when it was due or given up where it never was.
    pub at: Nanos,
    pub ttft: Option<f64>,
    /// To the last token of a success, to the end of a failure.
    pub e2e: Option<f64>,
    pub max_stall: Option<f64>,
    /// When the gap of `max_stall` began, since the window's start.
    pub stall_at: Option<Nanos>,
    pub output_tokens: u32,
    /// None for a success.
    pub failure: Option<FailureClass>,
}
