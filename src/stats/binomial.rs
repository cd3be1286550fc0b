//! Counts out of a number of trials: exact bounds of a share, and how many samples a percentile needs.

use statrs::function::beta::inv_beta_reg;

/// Exact interval of a share after `hits` of `trials`, missing the truth on each side with probability at most `tail`
/// (Clopper and Pearson 1934). The whole range when there were no trials.
pub fn clopper_pearson(hits: u64, trials: u64, tail: f64) -> (f64, f64) {
    let hits = hits.min(trials);
    let (yes, no) = (hits as f64, (trials - hits) as f64);
    let low = if hits == 0 { 0.0 } else { inv_beta_reg(yes, no + 1.0, tail) };
    let high = if hits == trials { 1.0 } else { inv_beta_reg(yes + 1.0, no, 1.0 - tail) };
    (low, high)
}

/// The number of samples below which a percentile is thin: the smallest n whose second largest sample lies above the true
/// `q`-quantile with 99 % probability, that is P(Binomial(n, 1 − q) ≤ 1) ≤ 0.01 (`MLPerf` inference rules, early stopping).
/// Quantiles below the median mirror; none outside `0 < q < 1`.
pub fn thin_below(q: f64) -> Option<u64> {
    let inside = q.max(1.0 - q);
    if !(0.5..1.0).contains(&inside) {
        return None;
    }
    let unsure = |n: u64| {
        let n = n as f64;
        inside.powf(n) * (1.0 + n * (1.0 - inside) / inside) > 0.01
    };
    // The chance falls with n, so the answer is bracketed by doubling and then halved into place.
    let mut high = 2_u64;
    while unsure(high) {
        high = high.checked_mul(2)?;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if unsure(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}
