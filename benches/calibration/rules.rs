//! The rules of other tools, written anew from their documents and sources, each as a function of the values that it looks at.

use llm_loadtest::stats::{Series, student_quantile};

/// Values of one metric in its own unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<'a> {
    /// One run of each earlier night, oldest first.
    pub(crate) stored: &'a [f64],
    /// Rounds of today's baseline and candidate.
    pub(crate) base: &'a [f64],
    pub(crate) candidate: &'a [f64],
    pub(crate) larger_is_better: bool,
}

impl Sides<'_> {
    /// By what factor `now` is worse than `before`.
    fn worse(&self, now: f64, before: f64) -> f64 {
        if self.larger_is_better { before / now } else { now / before }
    }

    /// Values of the newest runs, signed so that larger is worse.
    fn newest(&self, count: usize) -> impl Iterator<Item = f64> {
        let from = self.stored.len().saturating_sub(count);
        self.stored[from..].iter().map(|&value| self.sign() * value)
    }

    fn sign(&self) -> f64 {
        if self.larger_is_better { -1.0 } else { 1.0 }
    }
}

/// benchstat: Mann and Whitney's U of ten rounds a side, exact, p < 0.05 two-sided, no margin; counted when the candidate is worse.
pub(crate) fn benchstat(sides: &Sides<'_>) -> bool {
    const ROUNDS: usize = 10;
    let wins =
        |now: f64| sides.base[..ROUNDS].iter().filter(|&&before| sides.sign() * (now - before) > 0.0).count();
    let wins: usize = sides.candidate[..ROUNDS].iter().map(|&now| wins(now)).sum();
    // P(U ≤ 23) = 0.0216 and P(U ≤ 24) = 0.0262 of 10 and 10 without ties.
    wins >= ROUNDS * ROUNDS - 23
}

/// Bencher's t-test threshold: one new run beyond the quantile of a t located and scaled by the newest stored runs.
pub(crate) fn bencher(sides: &Sides<'_>, window: usize, boundary: f64) -> bool {
    beyond_t(sides.newest(window), sides.sign() * sides.candidate[0], boundary)
}

/// Whether `now` is beyond a boundary of Student's t with the location and scale of `before`; larger is worse.
pub(crate) fn beyond_t(before: impl IntoIterator<Item = f64>, now: f64, boundary: f64) -> bool {
    let Some(before) = Series::new(before) else { return false };
    let Some(sd) = before.sd() else { return false };
    now > before.mean() + student_quantile(boundary, before.count() as f64 - 1.0) * sd
}

/// github-action-benchmark: one run against the newest stored one, worse by a factor.
pub(crate) fn ratio(sides: &Sides<'_>, threshold: f64) -> bool {
    sides.stored.last().is_some_and(|&before| sides.worse(sides.candidate[0], before) > threshold)
}

/// A fixed threshold on one run: 10 % away from the newest stored one.
pub(crate) fn single(sides: &Sides<'_>) -> bool {
    sides.stored.last().is_some_and(|&before| sides.sign() * (sides.candidate[0] / before - 1.0) > 0.10)
}

/// vLLM's nightly: worse than the mean of seven nights by two population sds and by 1 %.
pub(crate) fn vllm(sides: &Sides<'_>) -> bool {
    beyond_sigma(sides.newest(7), sides.sign() * sides.candidate[0])
}

/// As `vllm`, for values of which larger is worse.
pub(crate) fn beyond_sigma(before: impl IntoIterator<Item = f64>, now: f64) -> bool {
    let Some(before) = Series::new(before) else { return false };
    let (mean, count) = (before.mean(), before.count() as f64);
    let population = before.variance().map_or(0.0, |variance| variance * (count - 1.0) / count).sqrt();
    now >= mean + 2.0 * population && now - mean >= 0.01 * mean.abs()
}

/// inference-doctor: the 90 % interval of the log ratio of means (Welch) of five rounds a side lies beyond 10 %.
pub(crate) fn inference_doctor(sides: &Sides<'_>) -> bool {
    let side = |values: &[f64]| {
        let values = Series::new(values[..5].iter().copied())?;
        let (mean, count) = (values.mean(), values.count() as f64);
        Some((mean.ln(), values.variance()? / (count * mean * mean), count - 1.0))
    };
    let (Some((now, now_variance, now_freedom)), Some((before, variance, freedom))) =
        (side(sides.candidate), side(sides.base))
    else {
        return false;
    };
    let total = now_variance + variance;
    let welch = total.powi(2) / (now_variance.powi(2) / now_freedom + variance.powi(2) / freedom);
    let shift = sides.sign() * (now - before);
    total > 0.0 && shift - student_quantile(0.95, welch) * total.sqrt() > 1.1_f64.ln()
}
