//! The course of one level in time, and some of its requests one by one: what charts are drawn from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::{millis, six};
use crate::base::Nanos;
use crate::metrics::{Point, Series, Slice};

/// The window in slices of equal width: columns of equal length, whose first entries begin at the window's start. At
/// most 600 slices; the last one may be cut by the window's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesDocument {
    /// Width of a slice in seconds.
    pub width_s: f64,
    /// Requests sent in the slice.
    pub sent: Vec<u64>,
    /// Requests that ended well in the slice.
    pub succeeded: Vec<u64>,
    /// Requests that failed in the slice.
    pub failed: Vec<u64>,
    /// Output tokens that arrived in the slice.
    pub output_tokens: Vec<u64>,
    /// Mean number of requests in flight.
    pub in_flight: Vec<f64>,
    /// TTFT of the successes that were sent in the slice, within half a percent; null without any.
    pub ttft_p50_ms: Vec<Option<f64>>,
    pub ttft_p95_ms: Vec<Option<f64>>,
    /// Longest gap between two chunks of a success that ended in the slice; null without any.
    pub max_stall_ms: Vec<Option<f64>>,
}

/// One request of a sample: up to 800 successes and 200 failures, chosen by chance and in order of sending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointDocument {
    /// When it was sent, in seconds since the window's start; of one that never was, when it was due or given up.
    pub at_s: f64,
    /// Null where no first token came, or without streaming.
    pub ttft_ms: Option<f64>,
    /// To the last token of a success, to the end of a failure; null when it was never sent.
    pub e2e_ms: Option<f64>,
    /// Longest gap between two chunks; null with fewer than two.
    pub max_stall_ms: Option<f64>,
    /// When that gap began, in seconds since the window's start.
    pub stall_at_s: Option<f64>,
    pub output_tokens: u32,
    /// `success`, or the class of the failure.
    pub outcome: String,
}

impl From<&Series> for SeriesDocument {
    fn from(series: &Series) -> Self {
        let Series { width, slices } = series;
        let column = |value: fn(&Slice) -> u64| slices.iter().map(value).collect();
        let maybe = |value: fn(&Slice) -> Option<f64>| slices.iter().map(|one| value(one).map(six)).collect();
        Self {
            width_s: six(width.secs()),
            sent: column(|slice| slice.sent),
            succeeded: column(|slice| slice.succeeded),
            failed: column(|slice| slice.failed),
            output_tokens: column(|slice| slice.output_tokens.round() as u64),
            in_flight: slices.iter().map(|slice| six(slice.in_flight)).collect(),
            ttft_p50_ms: maybe(|slice| slice.ttft_p50),
            ttft_p95_ms: maybe(|slice| slice.ttft_p95),
            max_stall_ms: maybe(|slice| slice.max_stall),
        }
    }
}

impl From<&Point> for PointDocument {
    fn from(point: &Point) -> Self {
        let Point { at, ttft, e2e, max_stall, stall_at, output_tokens, failure } = point;
        let secs = |at: Nanos| (at.secs() * 1e6).round() / 1e6;
        Self {
            at_s: secs(*at),
            ttft_ms: ttft.map(millis),
            e2e_ms: e2e.map(millis),
            max_stall_ms: max_stall.map(millis),
            stall_at_s: stall_at.map(secs),
            output_tokens: *output_tokens,
            outcome: failure.map_or("success", |class| class.id()).to_owned(),
        }
    }
}
