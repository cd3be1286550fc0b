//! Did an open loop happen as planned: sent on time by the client, and kept up with by the server?

use super::Severity;
use super::level::Fact;
use crate::base::Nanos;
use crate::metrics::Summary;
use crate::record::Metric;

/// Send lag at p99 may be this many milliseconds, or this share of the mean gap between arrivals.
const LAG_MS: f64 = 5.0;
const LAG_SHARE: f64 = 0.1;

/// Share of the asked rate below which the shortfall is worth a word.
const RATE_SHARE: f64 = 0.95;
/// Requests that may fall on either side of the window's end.
const EDGE: f64 = 1.0;

/// What was asked of an open loop: this client's due times, since the level's start, and its places in flight.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) due: &'a [Nanos],
    pub(super) max_in_flight: Option<u32>,
}

/// Invalid when the client could not keep its schedule: its latencies belong to another load than the one asked for.
pub(super) fn send_lag(summary: &Summary, asked: Asked<'_>) -> Option<Fact> {
    let Asked { due, max_in_flight } = asked;
    let lag = summary.distributions.get(&Metric::SendLag)?.quantile(0.99);
    let gap = due.last()?.ms() / due.len() as f64;
    let bound = LAG_MS.max(LAG_SHARE * gap);
    if lag <= bound {
        return None;
    }
    let numbers = format!("p99 of the send lag is {lag:.1} ms (bound {bound:.1} ms)");
    // Behind its own cap the client waits as it was told to, and `ttft_from_due` holds the wait.
    let capped = max_in_flight.is_some_and(|cap| summary.concurrency.peak >= u64::from(cap));
    Some(if capped {
        Fact::new(
            Severity::Warning,
            "send_lag",
            format!("requests waited behind max_in_flight before they were sent: {numbers}"),
        )
        .hint("read the metrics from due, which hold this wait; or raise max_in_flight")
    } else {
        Fact::new(Severity::Invalid, "send_lag", format!("the client could not keep its schedule: {numbers}"))
            .hint("lower the rate, give the client more cores, or run it on a machine of its own")
    })
}

/// A warning when fewer requests were answered than were due.
///
/// Requests that are due within the length of one answer of the window's end cannot have ended in it, so they are not
/// asked for; the answer's length is its tenth percentile, which a growing queue leaves alone. The due times themselves
/// are counted, whatever law or trace they come from, so only the one request that may fall on the edge is chance.
pub(super) fn achieved_rate(summary: &Summary, asked: Asked<'_>) -> Option<Fact> {
    let achieved = *summary.values.get(&Metric::RequestThroughput)?;
    let seconds = summary.window.secs();
    let answer = summary.distributions.get(&Metric::E2e)?.quantile(0.1) / 1e3;
    let within = Nanos::from_secs(seconds - answer);
    let expected = asked.due.partition_point(|due| *due < within) as f64;
    (achieved * seconds < RATE_SHARE * expected - EDGE).then(|| {
        Fact::new(
            Severity::Warning,
            "achieved_rate",
            format!(
                "{achieved:.2} requests per second were answered of the {:.2} asked for, so the server did not keep up and its queue grew",
                expected / within.secs()
            ),
        )
        .hint("latencies of a growing queue depend on the length of the run; lower the rate to measure a steady state")
    })
}
