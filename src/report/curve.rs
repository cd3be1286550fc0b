//! Throughput against latency over the levels of a sweep: where the knee lies, and the shape in one line.

use crate::document::v1::LevelDocument;
use crate::record::Metric;

/// The level with the most throughput per latency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Knee {
    pub(super) label: String,
    /// It is the first or the last level, so the true knee may lie outside the sweep.
    pub(super) edge: bool,
}

impl Knee {
    /// What it is, so that nobody takes it for more.
    pub(super) fn sentence(&self) -> String {
        let edge = if self.edge { "; it is an end of the sweep, so the knee may lie beyond it" } else { "" };
        format!(
            "knee: {} has the most throughput per latency (output tokens/s over mean E2E, Kleinrock 1979){edge}",
            self.label
        )
    }
}

/// The maximum of power, throughput over mean response time (Kleinrock 1979). None below three levels of one kind.
pub(super) fn knee(levels: &[LevelDocument]) -> Option<Knee> {
    let sorted = sorted(levels)?;
    let powers: Vec<f64> = sorted
        .iter()
        .map(|level| {
            let throughput = level.values.get(Metric::OutputThroughput.id()).copied().unwrap_or_default();
            throughput / latency(level).unwrap_or(f64::INFINITY)
        })
        .collect();
    let (at, best) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let edge = at == 0 || at + 1 == sorted.len();
    (*best > 0.0).then(|| Knee { label: sorted[at].label.clone(), edge })
}

/// Mean latency from level to level as blocks from low to high, with its ends in milliseconds.
pub(super) fn shape(levels: &[LevelDocument]) -> Option<(String, f64, f64)> {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let means: Vec<f64> = sorted(levels)?.into_iter().map(latency).collect::<Option<_>>()?;
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(0.0, f64::max);
    let span = (high / low).ln();
    // Latencies under load differ by factors, so the heights are logarithms; less than a tenth is flat.
    let blocks = means.iter().map(|mean| {
        let height = if span < 0.1 { 0.0 } else { (mean / low).ln() / span * 7.0 };
        BLOCKS[(height.round() as usize).min(7)]
    });
    Some((blocks.collect(), low, high))
}

/// The kind and the number of a load, by its label.
pub(super) fn load(label: &str) -> Option<(String, f64)> {
    let (kind, rest) = label.split_once('=')?;
    let (number, shape) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((format!("{kind} {shape}"), number.parse::<f64>().ok()?))
}

/// By load; none where levels differ in kind, or are fewer than three.
fn sorted(levels: &[LevelDocument]) -> Option<Vec<&LevelDocument>> {
    let mut loads: Vec<(String, f64, &LevelDocument)> = levels
        .iter()
        .map(|level| load(&level.label).map(|(kind, number)| (kind, number, level)))
        .collect::<Option<_>>()?;
    let kind = loads.first()?.0.clone();
    if loads.len() < 3 || loads.iter().any(|(other, ..)| *other != kind) {
        return None;
    }
    loads.sort_by(|a, b| a.1.total_cmp(&b.1));
    Some(loads.into_iter().map(|(.., level)| level).collect())
}

/// Mean milliseconds that a user waits for the whole answer: from due where there is one.
fn latency(level: &LevelDocument) -> Option<f64> {
    let found = level.metrics.get(Metric::E2eFromDue.id()).or_else(|| level.metrics.get(Metric::E2e.id()))?;
    found.mean.filter(|mean| *mean > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;

    fn level(label: &str, throughput: f64, latency: f64) -> LevelDocument {
        let mut level = sample::run().levels.remove(0);
        level.label = label.to_owned();
        level.values.insert(Metric::OutputThroughput.id().to_owned(), throughput);
        if let Some(found) = level.metrics.get_mut(Metric::E2e.id()) {
            found.mean = Some(latency);
        }
        level
    }

    #[test]
    fn the_knee_is_where_throughput_per_latency_peaks() {
        let levels =
            [level("c=8", 700.0, 1_100.0), level("c=1", 100.0, 1_000.0), level("c=64", 900.0, 7_000.0)];
        assert_eq!(knee(&levels), Some(Knee { label: "c=8".to_owned(), edge: false }));
        assert_eq!(shape(&levels), Some(("▁▁█".to_owned(), 1_000.0, 7_000.0)));
        let growing = [level("c=1", 1.0, 10.0), level("c=2", 2.0, 10.0), level("c=4", 4.0, 10.1)];
        assert_eq!(knee(&growing), Some(Knee { label: "c=4".to_owned(), edge: true }));
        assert_eq!(shape(&growing), Some(("▁▁▁".to_owned(), 10.0, 10.1)));
    }

    #[test]
    fn two_levels_or_two_kinds_have_no_knee() {
        let levels = [level("c=1", 1.0, 10.0), level("c=2", 2.0, 10.0), level("rate=4", 4.0, 10.0)];
        assert_eq!((knee(&levels), shape(&levels)), (None, None));
        assert_eq!(knee(&levels[..2]), None);
        let dead = ["c=1", "c=2", "c=3"].map(|label| level(label, 0.0, 10.0));
        assert_eq!(knee(&dead), None);
    }
}
