//! Laws of queues in small.

use crate::stats::normal_quantile;

/// Users that one server carries at `rate` requests per second, when each waits `response` seconds for an answer and
/// thinks for `think`: N = λ · (R + Z), the interactive response time law (Denning and Buzen 1978), from Little (1961).
pub fn users_of(rate: f64, response: f64, think: f64) -> f64 {
    rate * (response + think)
}

/// Requests per second of `users` who wait `response` seconds and think `think`: λ = N / (R + Z).
pub fn open_rate(users: f64, response: f64, think: f64) -> f64 {
    users / (response + think).max(f64::MIN_POSITIVE)
}

/// Mean wait before one server at load `rho` with constant service time: ρ · s / 2(1 − ρ) (Pollaczek 1930, M/D/1).
pub(super) fn mean_wait(rho: f64, service: f64) -> f64 {
    rho * service / (2.0 * (1.0 - rho))
}

/// The wait that `share` of arrivals stay below: the tail falls as ρ · exp(−t / (s / 2(1 − ρ))), which has the mean of
/// `mean_wait` and the right chance ρ of waiting at all.
pub(super) fn wait_within(rho: f64, service: f64, share: f64) -> f64 {
    let late = 1.0 - share;
    if rho <= late { 0.0 } else { service / (2.0 * (1.0 - rho)) * (rho / late).ln() }
}

/// A count with this mean stays below this in `share` of the time: mean + z · √mean, the staffing by square roots of
/// M/G/∞ (Halfin and Whitt 1981).
pub(super) fn crowd_within(mean: f64, share: f64) -> f64 {
    mean + normal_quantile(share).max(0.0) * mean.max(0.0).sqrt()
}
