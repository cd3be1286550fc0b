//! Efficiencies from measured results, by least squares over levels and rounds.

use super::{Efficiencies, Efficiency, EngineDefaults, Gpu, Lengths, RecommendError, Replica, Work};
use crate::stats::{Series, student_quantile};

/// One level of one round, as it was measured. Times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub rate: f64,
    pub lengths: Lengths,
    /// Mean time per output token.
    pub tpot: f64,
    /// Median time to the first token, where little waiting is in it: of a round's lightest level.
    pub ttft: Option<f64>,
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// What was measured on one kind of GPU.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub gpu: &'static Gpu,
    pub gpus: u32,
    pub observations: usize,
    pub memory: Interval,
    /// None where no time to the first token told it.
    pub compute: Option<Interval>,
    /// Median of |predicted / measured − 1|, with what is assumed and with what was fitted.
    pub error_before: f64,
    pub error_after: f64,
}

impl Calibration {
    /// The efficiencies with what was measured in place of what is assumed.
    pub(super) fn applied(&self, assumed: &Efficiencies) -> Efficiencies {
        let mut out = *assumed;
        let expected = assumed.expected;
        let at = |interval: Interval| [interval.low, interval.value, interval.high];
        let memory = at(self.memory);
        let compute = self.compute.map(at);
        for (case, efficiency) in out.expectations_mut().into_iter().enumerate() {
            // The fit kept the fixed costs of the middle case, so all three cases have them.
            let own = *efficiency;
            *efficiency = Efficiency {
                memory: memory[case].clamp(0.01, 1.0),
                compute: compute.map_or(own.compute, |compute| compute[case].clamp(0.01, 1.0)),
                memory_used: own.memory_used,
                runtime_bytes: own.runtime_bytes,
                ..expected
            };
        }
        out
    }
}

/// Below this curvature a share could be anything: no residual depends on it.
const TOLD: f64 = 1e-3;
/// Observations that are needed at least: two efficiencies and something to judge them by.
const LEAST: usize = 3;

/// Fits the shares of bandwidth and arithmetic to the logarithms of measured times. `name` is the result's, for errors.
pub fn calibrate(
    name: &str,
    replica: &Replica<'_>,
    observations: &[Observation],
) -> Result<Calibration, RecommendError> {
    let wrong = |problem: String, hint| RecommendError::Measured { name: name.to_owned(), problem, hint };
    let targets: usize = observations.iter().map(|seen| 1 + usize::from(seen.ttft.is_some())).sum();
    if targets < LEAST {
        return Err(wrong(
            format!("{targets} usable numbers of levels and rounds are too few"),
            "measure several levels or rounds: run --concurrency 1,8,32 --rounds 3",
        ));
    }
    let assumed = Efficiencies::assumed(replica.gpu).expected;
    let fit = Fit { replica, observations, assumed, chunk: EngineDefaults::of(replica.gpu).chunk };
    let start = [assumed.memory.ln(), assumed.compute.ln()];
    let (at, spread) = fit.solve(start);
    let freedom = targets.saturating_sub(spread.iter().flatten().count()).max(1) as f64;
    let interval = |at: f64, sd: f64| {
        let reach = student_quantile(0.975, freedom) * sd;
        Interval { value: at.exp(), low: (at - reach).exp(), high: (at + reach).exp() }
    };
    let Some(memory) = spread[0].map(|sd| interval(at[0], sd)) else {
        return Err(wrong(
            "no level was bound by memory, so its bandwidth cannot be told".to_owned(),
            "measure with longer outputs, or fewer clients",
        ));
    };
    let compute = spread[1].map(|sd| interval(at[1], sd));
    if memory.low > 1.0 || compute.is_some_and(|compute| compute.low > 1.0) {
        return Err(wrong(
            format!(
                "it is faster than {} of {} with {} weights can be",
                replica.gpus,
                replica.gpu.name,
                replica.precision.id()
            ),
            "name the GPU and the precision that were measured: --gpu, --precision, --kv-precision",
        ));
    }
    let error = |at: [f64; 2]| {
        let errors = fit.residuals(at).into_iter().map(|residual| (residual.exp() - 1.0).abs());
        Series::new(errors).map_or(0.0, |errors| errors.median())
    };
    Ok(Calibration {
        gpu: replica.gpu,
        gpus: replica.gpus,
        observations: observations.len(),
        memory,
        compute,
        error_before: error(start),
        error_after: error(at),
    })
}

struct Fit<'a> {
    replica: &'a Replica<'a>,
    observations: &'a [Observation],
    assumed: Efficiency,
    chunk: f64,
}

impl Fit<'_> {
    /// Gauss and Newton's method with Levenberg's damping, on logarithms of the two shares. Gives where it ends, and the
    /// standard error of each share that the observations tell at all.
    fn solve(&self, start: [f64; 2]) -> ([f64; 2], [Option<f64>; 2]) {
        let squares =
            |at: [f64; 2]| self.residuals(at).iter().map(|residual| residual * residual).sum::<f64>();
        let (mut at, mut damping) = (start, 1e-3);
        let mut best = squares(at);
        for _ in 0..100 {
            let (normal, slope) = self.normal(at);
            let damped = [normal[0] + damping, normal[1], normal[2] + damping];
            let Some(inverse) = inverse(damped) else { break };
            let move_by = [
                -(inverse[0] * slope[0] + inverse[1] * slope[1]),
                -(inverse[1] * slope[0] + inverse[2] * slope[1]),
            ];
            // Far above 1 is no server of this GPU, yet it must be found to be said; below 1 % is none at all.
            let next = [0, 1].map(|i| (at[i] + move_by[i].clamp(-0.5, 0.5)).clamp(-4.6, 3.4));
            let value = squares(next);
            if value < best {
                let moved = (next[0] - at[0]).abs().max((next[1] - at[1]).abs());
                (at, best, damping) = (next, value, damping / 3.0);
                if moved < 1e-9 {
                    break;
                }
            } else {
                damping *= 10.0;
                if damping > 1e9 {
                    break;
                }
            }
        }
        (at, self.spread(at, best))
    }

    /// Standard errors from the residuals. What the observations do not tell has none.
    fn spread(&self, at: [f64; 2], squares: f64) -> [Option<f64>; 2] {
        let (normal, _) = self.normal(at);
        let count = self.residuals(at).len() as f64;
        match (normal[0] > TOLD, normal[2] > TOLD) {
            (true, true) => {
                let variance = squares / (count - 2.0).max(1.0);
                match inverse(normal) {
                    Some(inverse) => {
                        [Some((variance * inverse[0]).sqrt()), Some((variance * inverse[2]).sqrt())]
                    }
                    None => [None, None],
                }
            }
            (memory, compute) => {
                let variance = squares / (count - 1.0).max(1.0);
                let alone = |told: bool, normal: f64| told.then(|| (variance / normal).sqrt());
                [alone(memory, normal[0]), alone(compute, normal[2])]
            }
        }
    }

    /// The normal matrix as (first, both, second), and the slope.
    fn normal(&self, at: [f64; 2]) -> ([f64; 3], [f64; 2]) {
        const NUDGE: f64 = 1e-4;
        let middle = self.residuals(at);
        let first = self.residuals([at[0] + NUDGE, at[1]]);
        let second = self.residuals([at[0], at[1] + NUDGE]);
        let mut normal = [0.0; 3];
        let mut slope = [0.0; 2];
        for ((residual, first), second) in middle.iter().zip(&first).zip(&second) {
            let by = [(first - residual) / NUDGE, (second - residual) / NUDGE];
            normal[0] += by[0] * by[0];
            normal[1] += by[0] * by[1];
            normal[2] += by[1] * by[1];
            slope[0] += by[0] * residual;
            slope[1] += by[1] * residual;
        }
        (normal, slope)
    }

    /// ln(predicted / measured) of every number.
    fn residuals(&self, at: [f64; 2]) -> Vec<f64> {
        let efficiency = Efficiency { memory: at[0].exp(), compute: at[1].exp(), ..self.assumed };
        let mut residuals = Vec::new();
        for seen in self.observations {
            let (tpot, ttft) = predicted(self.replica, &efficiency, self.chunk, seen);
            residuals.push((tpot / seen.tpot).ln());
            residuals.extend(seen.ttft.map(|measured| (ttft / measured).ln()));
        }
        residuals
    }
}

/// Mean TPOT and median TTFT, given the batch that was measured: λ · (output − 1) · TPOT.
fn predicted(replica: &Replica<'_>, efficiency: &Efficiency, chunk: f64, seen: &Observation) -> (f64, f64) {
    let Observation { rate, lengths, tpot, ttft: _ } = seen;
    let batch = (rate * (lengths.output - 1.0).max(0.0) * tpot).max(1.0);
    let piece = lengths.input.min((chunk - batch).max(1.0));
    let step = |prefill: f64| {
        replica.step(
            efficiency,
            &Work {
                decoding: batch,
                context: lengths.held(),
                prefill,
                prefill_context: lengths.input / 2.0,
                patches: lengths.patches * prefill / lengths.input,
            },
        )
    };
    let (with, without) = (step(piece), step(0.0));
    let reading = rate * lengths.input / piece;
    // More reading than there is time: every step has some.
    let mean = if reading * with < 1.0 { 1.0 / (reading + (1.0 - reading * with) / without) } else { with };
    (mean, lengths.input / piece * with + mean / 2.0)
}

/// Of a symmetric matrix given as (first, both, second).
fn inverse([a, b, c]: [f64; 3]) -> Option<[f64; 3]> {
    let determinant = a * c - b * b;
    (determinant > 1e-12).then(|| [c / determinant, -b / determinant, a / determinant])
}
