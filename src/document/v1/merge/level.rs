//! One level of one round, of all shards.

use crate::base::Nanos;
use crate::document::v1::pool::{Crowd, Frame, histograms, joined};
use crate::document::v1::pool_observed::{Parts, observed};
use crate::document::v1::{LevelDocument, WindowDocument};
use crate::metrics::Window;

/// The level with its instants counted since `offset` earlier.
pub(super) fn moved(level: &LevelDocument, offset: Nanos) -> LevelDocument {
    let mut level = level.clone();
    let steady = level.steady.iter_mut().map(|steady| &mut steady.window);
    for window in std::iter::once(&mut level.window).chain(steady) {
        window.start_s = micros(window.start_s + offset.secs());
        window.end_s = micros(window.end_s + offset.secs());
    }
    level.parts = level.parts.iter().map(|part| moved(part, offset)).collect();
    level
}

/// From the first shard's start to the last one's end. Where a shard measured until the planned end, all did for that time,
/// however little their clocks agree: one without further requests ended before. Otherwise the time measured is the whole span.
pub(super) fn window(parts: &[&LevelDocument], planned: Option<f64>) -> WindowDocument {
    let windows = || parts.iter().map(|part| &part.window);
    let start_s = windows().map(|window| window.start_s).fold(f64::INFINITY, f64::min);
    let end_s = windows().map(|window| window.end_s).fold(0.0, f64::max);
    let as_planned =
        |planned: &f64| windows().any(|window| (window.measured_s - planned).abs() < 1e-6 * planned);
    let measured_s = planned.filter(as_planned).unwrap_or(micros(end_s - start_s));
    WindowDocument { start_s, end_s, measured_s }
}

/// The span of a window in a file.
pub(super) fn span(window: &WindowDocument) -> Window {
    let nanos = |seconds: f64| Nanos((seconds * 1e6).round() as u64 * 1_000);
    Window { start: nanos(window.start_s), end: nanos(window.end_s) }
}

/// The level of all shards. Without a crowd no steady state or course is known, and the peak is at most the sum of the
/// shards' peaks.
pub(super) fn merged(
    parts: &[&LevelDocument],
    window: WindowDocument,
    crowd: Option<Crowd>,
) -> Option<LevelDocument> {
    let most = parts.iter().map(|part| part.concurrency.peak).sum();
    let crowd = crowd.unwrap_or(Crowd { peak: most, ..Crowd::default() });
    let observed = observed(parts, Parts::Together);
    joined(parts, Frame { window, crowd, histograms: histograms(parts), observed })
}

fn micros(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
