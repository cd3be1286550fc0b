//! What a gate will answer and cost, as `plan --json` prints it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{self, Format, Kind};
use crate::gate::{CellForecast, Cost, Forecast, Noise, NoiseSource, PairForecast, SessionForecast};
use crate::stats::Outlook;

/// The forecast of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForecastDocument {
    pub format: Format,
    pub tool: String,
    /// Name of the workload.
    pub name: String,
    /// Probability of each of the two wrong verdicts.
    pub alpha: f64,
    /// Wanted probability of the right answer.
    pub power: f64,
    /// Pairs after which the gate looks at its evidence.
    pub looks: Vec<u32>,
    /// Tests that share the chance of a false failure.
    pub family: usize,
    /// One-sided level of each look for passing.
    pub pass_level: f64,
    /// One-sided level of each look for the first failure.
    pub fail_level: f64,
    pub metrics: Vec<MetricForecastDocument>,
    pub cost: CostDocument,
    /// Which metric limits, and what to do.
    pub advice: Vec<String>,
}

/// What the gate costs when nothing changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostDocument {
    /// One round with its start, warm-up and end; null where it is not known.
    pub round_s: Option<f64>,
    pub gpus: u32,
    /// Until the metric that needs most is decided.
    pub mean_pairs: Option<f64>,
    pub max_pairs: u32,
    pub mean_gpu_minutes: Option<f64>,
    pub max_gpu_minutes: Option<f64>,
}

/// One gated metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricForecastDocument {
    /// `ttft_p95`.
    pub metric: String,
    pub tolerance: f64,
    /// Whether tolerance, noise and changes are differences of shares rather than ratios.
    pub absolute: bool,
    /// Requests a round below which the metric is shown and not judged, where the plan sends fewer.
    pub requests_needed: Option<u64>,
    /// Judged in pairs; null where no noise of pairs is known.
    pub pairs: Option<PairForecastDocument>,
    /// Judged against stored sessions; null where no noise between sessions is known.
    pub sessions: Option<SessionForecastDocument>,
}

/// A standard deviation, and how well it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoiseDocument {
    pub sd: f64,
    /// Pairs or sessions that it was seen in; 0 where it was only said.
    pub count: u32,
    /// `given`, `pairs` or `sessions`.
    pub source: String,
}

/// A metric in pairs: it passes where nothing changed, and fails where the change is twice the tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairForecastDocument {
    pub noise: NoiseDocument,
    /// Tolerance over noise.
    pub ratio: f64,
    /// Pairs with which a gate of one look answers with the wanted probability.
    pub pairs_to_pass: Option<u32>,
    pub pairs_to_fail: Option<u32>,
    /// Probability to pass at each look, none before having decided.
    pub pass_by_look: Vec<f64>,
    pub pass: f64,
    pub mean_pairs: f64,
    /// The same for failing.
    pub fail_by_look: Vec<f64>,
    pub fail: f64,
    /// Smallest tolerance that an unchanged server passes with the wanted probability.
    pub resolves: f64,
    /// Smallest change that fails four times in five.
    pub detects: f64,
    /// Noise at which the wanted probability is reached.
    pub bearable_sd: f64,
}

/// A metric against stored sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionForecastDocument {
    pub noise: NoiseDocument,
    /// Probability to pass when nothing changed; null below five sessions.
    pub pass: Option<f64>,
    pub resolves: Option<f64>,
    /// Sessions that reach the wanted probability; null where the fifteen that count do not.
    pub sessions_needed: Option<u32>,
}

impl ForecastDocument {
    pub fn new(forecast: &Forecast, name: &str, tool: &str) -> Self {
        let Forecast { looks, alpha, power, family, pass_level, fail_level, cells, mean_pairs, cost, advice } =
            forecast;
        let Cost { round, gpus } = *cost;
        let max_pairs = forecast.budget();
        Self {
            format: Format::current(Kind::Forecast),
            tool: tool.to_owned(),
            name: name.to_owned(),
            alpha: *alpha,
            power: *power,
            looks: looks.clone(),
            family: *family,
            pass_level: *pass_level,
            fail_level: *fail_level,
            metrics: cells.iter().map(MetricForecastDocument::from).collect(),
            cost: CostDocument {
                round_s: round.map(crate::base::Nanos::secs),
                gpus,
                mean_pairs: *mean_pairs,
                max_pairs,
                mean_gpu_minutes: mean_pairs.and_then(|pairs| forecast.gpu_minutes(pairs)),
                max_gpu_minutes: forecast.gpu_minutes(f64::from(max_pairs)),
            },
            advice: advice.clone(),
        }
    }

    /// The text that `--json` prints.
    pub fn to_json(&self) -> String {
        format::write(self)
    }
}

impl From<&CellForecast> for MetricForecastDocument {
    fn from(cell: &CellForecast) -> Self {
        let CellForecast { key, tolerance, absolute, thin, pairs, sessions } = cell;
        Self {
            metric: key.to_string(),
            tolerance: *tolerance,
            absolute: *absolute,
            requests_needed: *thin,
            pairs: pairs.as_ref().map(PairForecastDocument::from),
            sessions: sessions.as_ref().map(SessionForecastDocument::from),
        }
    }
}

impl From<&PairForecast> for PairForecastDocument {
    fn from(pairs: &PairForecast) -> Self {
        let PairForecast { noise, ratio, to_pass, to_fail, unchanged, doubled, resolves, detects, bearable } =
            pairs;
        let each = |outlook: &Outlook, pick: fn(&crate::stats::LookChance) -> f64| {
            outlook.0.iter().map(|look| pick(look).min(1.0)).collect()
        };
        Self {
            noise: (*noise).into(),
            ratio: *ratio,
            pairs_to_pass: *to_pass,
            pairs_to_fail: *to_fail,
            pass_by_look: each(unchanged, |look| look.pass),
            pass: unchanged.pass().min(1.0),
            mean_pairs: unchanged.mean_pairs(),
            fail_by_look: each(doubled, |look| look.fail),
            fail: doubled.fail().min(1.0),
            resolves: *resolves,
            detects: *detects,
            bearable_sd: *bearable,
        }
    }
}

impl From<&SessionForecast> for SessionForecastDocument {
    fn from(sessions: &SessionForecast) -> Self {
        let SessionForecast { noise, passes, resolves, needed } = sessions;
        Self { noise: (*noise).into(), pass: *passes, resolves: *resolves, sessions_needed: *needed }
    }
}

impl From<Noise> for NoiseDocument {
    fn from(noise: Noise) -> Self {
        let Noise { sd, count, source } = noise;
        let source = match source {
            NoiseSource::Given => "given",
            NoiseSource::Pairs => "pairs",
            NoiseSource::Sessions => "sessions",
        };
        Self { sd, count, source: source.to_owned() }
    }
}
