//! Latencies: the client's must lie where the server's histogram says they are, and a little above.

use super::{Checked, Fact, Sides};
use crate::base::Nanos;
use crate::metrics::Distribution;
use crate::record::{Buckets, Metric};

/// The server's exact mean may exceed the client's by as much, in milliseconds or as a share, before its clock is doubted.
const AHEAD_MS: f64 = 2.0;
const AHEAD_SHARE: f64 = 0.05;
/// Without buckets, how far a mean may lie from the other's.
const MEAN_SHARE: f64 = 0.1;

/// Each latency that both sides time.
pub(super) fn all(sides: &Sides<'_>) -> Vec<Checked> {
    let engine = sides.engine;
    let gaps = (!sides.summary.tokens.itl_is_icl).then_some(engine.itl.as_ref()).flatten();
    // A failed request has a first token there and none here, so tails of both are not of the same requests.
    if !sides.is_clean() || !sides.check.whole_load {
        return vec![Checked::Unknown("latencies of a window with failed, cut or foreign requests")];
    }
    vec![
        compare(sides, Metric::Ttft, "TTFT", "server_ttft", engine.ttft.as_ref()),
        compare(sides, Metric::E2e, "E2E", "server_e2e", engine.e2e.as_ref()),
        compare(sides, Metric::Itl, "ITL", "server_itl", gaps),
    ]
}

/// Where a value of the server's lies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    low: f64,
    high: f64,
}

fn compare(
    sides: &Sides<'_>,
    metric: Metric,
    title: &'static str,
    code: &'static str,
    theirs: Option<&Buckets>,
) -> Checked {
    let ours = sides.summary.distributions.get(&metric);
    let (Some(ours), Some(theirs)) = (ours, theirs.filter(|theirs| theirs.count > 0.0)) else {
        return Checked::Unknown(title);
    };
    let mean = theirs.sum / theirs.count * 1e3;
    if metric != Metric::Itl && mean - ours.mean() > AHEAD_MS.max(AHEAD_SHARE * mean) {
        let message = format!(
            "the server's mean {title} is {} and the client's only {}: a client cannot see an answer before it was made, so they are not of the same requests",
            Nanos::from_ms(mean),
            Nanos::from_ms(ours.mean())
        );
        let fact = Fact::new(sides.doubt, code, message)
            .hint("is the page of metrics the right server's, and its only one?");
        return Checked::Differs(fact);
    }
    match places(ours, theirs, mean).into_iter().find_map(|place| outside(&place, sides.way())) {
        None => Checked::Agrees(format!(
            "{title} mean {} and {}",
            Nanos::from_ms(ours.mean()),
            Nanos::from_ms(mean)
        )),
        Some(words) => {
            let fact = Fact::new(sides.doubt, code, format!("{title}: {words}")).hint(
                "run the client nearer to the server, ask it without a proxy between, and look at the client's own findings",
            );
            Checked::Differs(fact)
        }
    }
}

/// A value of ours, and where the server has its own.
struct Place {
    name: &'static str,
    ours: f64,
    theirs: Span,
}

fn places(ours: &Distribution, theirs: &Buckets, mean: f64) -> Vec<Place> {
    let mut places = vec![Place {
        name: "mean",
        ours: ours.mean(),
        theirs: holding(theirs, mean)
            .unwrap_or(Span { low: mean * (1.0 - MEAN_SHARE), high: mean * (1.0 + MEAN_SHARE) }),
    }];
    for (name, q) in [("p50", 0.5), ("p95", 0.95)] {
        places.extend(quantile(theirs, q).map(|theirs| Place { name, ours: ours.quantile(q), theirs }));
    }
    places
}

/// In words, where ours lies further from theirs than a bucket's width, and the way between them, explain.
fn outside(place: &Place, way: Nanos) -> Option<String> {
    let Place { name, ours, theirs: Span { low, high } } = *place;
    // Beyond its last bound a histogram says nothing.
    let width = if high.is_finite() { high - low } else { low };
    let bounds = format!(
        "the client's {name} is {} and the server's lies in {} to {}",
        Nanos::from_ms(ours),
        Nanos::from_ms(low),
        if high.is_finite() { Nanos::from_ms(high).to_string() } else { "no bound".to_owned() }
    );
    if ours > high + width + way.ms() {
        return Some(format!(
            "{bounds}, more than a bucket and {way} above it: the rest was spent on the way, in a proxy, before the server's clock starts, or in the client"
        ));
    }
    (ours < low - width).then(|| {
        format!("{bounds}, more than a bucket below it: they are not of the same requests, or not of the same span")
    })
}

/// The bucket that a value in milliseconds lies in; none where there are no buckets.
fn holding(buckets: &Buckets, value: f64) -> Option<Span> {
    let at = buckets.cumulative.iter().position(|(bound, _)| value <= bound * 1e3)?;
    Some(bucket(buckets, at))
}

/// The buckets that hold the two order statistics between which a quantile of type 7 lies.
fn quantile(buckets: &Buckets, q: f64) -> Option<Span> {
    let position = (buckets.count - 1.0).max(0.0) * q;
    let of_rank = |rank: f64| {
        let at = buckets.cumulative.iter().position(|(_, below)| *below > rank)?;
        Some(bucket(buckets, at))
    };
    let (first, last) = (of_rank(position.floor())?, of_rank(position.ceil())?);
    Some(Span { low: first.low, high: last.high })
}

fn bucket(buckets: &Buckets, at: usize) -> Span {
    let bound = |at: usize| buckets.cumulative.get(at).map(|(bound, _)| bound * 1e3);
    Span { low: at.checked_sub(1).and_then(bound).unwrap_or(0.0), high: bound(at).unwrap_or(f64::INFINITY) }
}
