//! What charts of one benchmark are drawn from, beyond its result: distributions, and single requests thinned out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::v1::number::six;
use crate::document::v1::{LevelDocument, RunDocument, histogram};
use crate::record::Metric;

/// Quantiles in thousandths of a percent beyond every hundredth: where tails are looked at.
const TAIL: [u32; 11] =
    [99_200, 99_400, 99_500, 99_600, 99_800, 99_900, 99_950, 99_980, 99_990, 99_999, 100_000];

/// The distributions of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartsDocument {
    /// In the order of the result.
    pub levels: Vec<LevelCharts>,
}

/// One level over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelCharts {
    pub label: String,
    /// By metric id: `ttft`, `tpot`, `itl`, `e2e` and so on; histograms of all rounds merged.
    pub distributions: BTreeMap<String, DistributionDocument>,
}

/// One distribution, as a curve of quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistributionDocument {
    pub unit: String,
    pub n: u64,
    /// Quantiles in 0..=1, rising: every hundredth, then denser towards the tail.
    pub quantiles: Vec<f64>,
    /// The value at each quantile, in `unit`.
    pub values: Vec<f64>,
}

/// Single requests of one level, in columns of equal length, in the order of sending.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsDocument {
    pub level: String,
    /// Requests that lie in the asked span.
    pub total: u64,
    /// Whether only some of them are here: of each stretch of time the extremes of TTFT and E2E and every failure are kept first.
    pub thinned: bool,
    /// Which row of the kept ones each is, from 0: `GET …/requests/{row}` has all of it.
    pub row: Vec<u64>,
    pub round: Vec<u32>,
    /// Seconds since the window's start.
    pub at_s: Vec<f64>,
    pub ttft_ms: Vec<Option<f64>>,
    pub e2e_ms: Vec<Option<f64>>,
    pub max_stall_ms: Vec<Option<f64>>,
    pub prompt_tokens: Vec<Option<u32>>,
    pub output_tokens: Vec<u32>,
    /// `success`, or the class of the failure.
    pub outcome: Vec<String>,
}

impl ChartsDocument {
    /// The distributions of a result, from the histograms of its rounds. A level or metric without one has none here.
    pub fn of(run: &RunDocument) -> Self {
        Self { levels: run.levels.iter().map(|level| LevelCharts::of(run, &level.label)).collect() }
    }
}

impl LevelCharts {
    fn of(run: &RunDocument, label: &str) -> Self {
        let rounds: Vec<&LevelDocument> =
            run.rounds.iter().flat_map(|round| &round.levels).filter(|level| level.label == label).collect();
        let distributions = Metric::ALL
            .into_iter()
            .filter_map(|metric| {
                let texts = rounds.iter().filter_map(|level| level.histograms.get(metric.id()));
                let merged =
                    histogram::merge(texts.map(String::as_str)).filter(|merged| !merged.is_empty())?;
                let quantiles = quantiles();
                let values =
                    quantiles.iter().map(|q| six(merged.value_at_quantile(*q) as f64 / 1e3)).collect();
                let unit = metric.unit().symbol().to_owned();
                Some((
                    metric.id().to_owned(),
                    DistributionDocument { unit, n: merged.len(), quantiles, values },
                ))
            })
            .collect();
        Self { label: label.to_owned(), distributions }
    }
}

/// Every hundredth below one, and the tail.
fn quantiles() -> Vec<f64> {
    (0..100).map(|percent| percent * 1_000).chain(TAIL).map(|q| f64::from(q) / 1e5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;
    use crate::gate::Decision;

    #[test]
    fn curves_hold_the_samples_of_all_rounds() {
        let run = sample::gate(Decision::Pass);
        let charts = ChartsDocument::of(&run);
        let [level] = charts.levels.as_slice() else { panic!("{:?}", charts.levels) };
        let ttft = &level.distributions["ttft"];
        assert_eq!((ttft.unit.as_str(), ttft.n), ("ms", 194));
        assert_eq!(ttft.quantiles.len(), ttft.values.len());
        assert!(ttft.quantiles.is_sorted() && ttft.values.is_sorted());
        let at =
            |q: f64| ttft.values[ttft.quantiles.iter().position(|known| (known - q).abs() < 1e-9).unwrap()];
        let told = run.levels[0].metrics["ttft"].p50.unwrap();
        assert!((at(0.5) / told - 1.0).abs() < 0.01, "{} is not {told}", at(0.5));
        let most = run.levels[0].metrics["ttft"].max.unwrap();
        assert!((at(1.0) / most - 1.0).abs() < 0.01, "{} is not {most}", at(1.0));
    }

    #[test]
    fn a_spoilt_histogram_leaves_only_its_own_curve_out() {
        let mut run = sample::run();
        run.rounds[0].levels[0].histograms.insert("ttft".to_owned(), "AAAA".to_owned());
        let charts = ChartsDocument::of(&run);
        assert!(!charts.levels[0].distributions.contains_key("ttft"));
        assert!(charts.levels[0].distributions.contains_key("e2e"));
    }
}
