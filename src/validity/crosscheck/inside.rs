//! What only the server sees: its queue, its cache, its preemptions.

use super::{Fact, Sides};
use crate::base::Nanos;
use crate::validity::Severity;

/// Share of cached prompt tokens by which both sides may differ, and from which on a cold workload was not cold.
const CACHED_APART: f64 = 0.05;
/// A queue shorter than this, in seconds, or than this share of the time to the first token is none.
const QUEUE_SECONDS: f64 = 1e-3;
const QUEUE_SHARE: f64 = 0.1;

/// Prompt tokens found in the server's prefix cache: by its counters, and by what its answers said.
pub(super) fn cache(sides: &Sides<'_>) -> Option<Fact> {
    if !sides.check.one_to_one {
        return None;
    }
    let tokens = &sides.summary.tokens;
    let (hits, queries) = sides.engine.cached_tokens.zip(sides.engine.cache_queries)?;
    if queries <= 0.0 || tokens.prompt == 0 {
        return None;
    }
    let (theirs, ours) = (hits / queries, tokens.cached as f64 / tokens.prompt as f64);
    let shares = format!("{:.1} % by the server's counters", theirs * 100.0);
    if tokens.cached == 0 && sides.check.cold && theirs > CACHED_APART {
        let message = format!(
            "prompt tokens came from the server's prefix cache although the workload is cold, and no answer says so: {shares}"
        );
        let hint = "use another seed, restart the server or reset its prefix cache before the run";
        return Some(Fact::new(sides.doubt, "cache_hidden", message).hint(hint));
    }
    if tokens.cached > 0 && (theirs - ours).abs() > CACHED_APART {
        let message = format!(
            "the share of prompt tokens from the prefix cache is {shares} and {:.1} % by its answers (bound {:.0} points), so one of them counts other requests or other tokens",
            ours * 100.0,
            CACHED_APART * 100.0
        );
        return Some(Fact::new(sides.doubt, "server_cache", message));
    }
    None
}

/// How much of the first token's time was spent in line.
pub(super) fn queue(sides: &Sides<'_>) -> Option<Fact> {
    let mean = |buckets: &crate::record::Buckets| (buckets.count > 0.0).then(|| buckets.sum / buckets.count);
    let queued = mean(sides.engine.queue.as_ref()?)?;
    let first = sides.engine.ttft.as_ref().and_then(mean);
    let share = first.filter(|first| *first > 0.0).map(|first| queued / first);
    if queued < QUEUE_SECONDS || share.is_some_and(|share| share < QUEUE_SHARE) {
        return None;
    }
    let of = share.map(|share| format!(", {:.0} % of the time to the first token", share * 100.0));
    let line = match sides.engine.waiting.map(|waiting| waiting.mean) {
        Some(waiting) if waiting >= 0.5 => {
            format!("; {waiting:.1} waited on average: this load is more than it takes at once")
        }
        Some(_) => ", for its next step and not for a place".to_owned(),
        None => String::new(),
    };
    let message = format!(
        "requests waited {} in the server's queue on average{}{line}",
        Nanos::from_secs(queued),
        of.unwrap_or_default()
    );
    Some(Fact::new(Severity::Info, "server_queue", message))
}

pub(super) fn preemptions(sides: &Sides<'_>) -> Option<Fact> {
    let preemptions = sides.engine.preemptions.filter(|preemptions| *preemptions > 0.0)?;
    let message = format!(
        "the server preempted requests {preemptions:.0} times for want of KV cache and computed them again, which shows as stalls"
    );
    let hint = "lower the concurrency, or give the server more KV cache";
    Some(Fact::new(Severity::Info, "preemptions", message).hint(hint))
}
