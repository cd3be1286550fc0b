//! A server's own metrics: Prometheus text to series, each engine's names to our quantities, readings to a window.

mod alias;
mod dcgm;
mod families;
mod page;
mod reading;
#[cfg(test)]
mod tests;
mod window;

pub use dcgm::{DcgmGpu, dcgm};
pub use page::{BODY_MAX, Page, Series};
pub use reading::{Count, Gauges, Reading, Span, reading};
pub use window::{GaugeSample, Track, window};
