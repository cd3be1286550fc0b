//! Charts without a library: scales with round ticks, and marks as SVG.

mod plot;
mod scale;

pub(super) use plot::{Axis, Plot};
pub(super) use scale::{Scale, milliseconds, percentile, seconds, short};
