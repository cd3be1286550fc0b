//! The balance of a station against a simulated server that takes every step one by one.

use std::collections::BTreeMap;

use crate::base::{Nanos, Seed};
use crate::recommend::{Lengths, Station, Work};
use crate::simulator::model::{Model, SimAsk, SimSpec, What};
use crate::stats::Series;

/// Mean and 95th percentile of TTFT, and mean TPOT, in seconds.
struct Seen {
    ttft_mean: f64,
    ttft_p95: f64,
    tpot: f64,
}

/// Poisson arrivals at a server without noise; the first tenth is left out.
fn simulated(spec: &SimSpec, rate: f64, (input, output): (u32, u32), requests: usize) -> Seen {
    let mut chance = Seed(7).child("arrivals").chance();
    let mut at = 0.0;
    let arrivals: Vec<Nanos> = (0..requests)
        .map(|_| {
            at += chance.exponential() / rate;
            Nanos::from_secs(at)
        })
        .collect();
    let mut model = Model::new(spec, 0);
    let mut tokens: BTreeMap<u64, (Nanos, Nanos)> = BTreeMap::new();
    let mut coming = arrivals.iter().peekable();
    loop {
        let event = model.next_event();
        match (coming.peek(), event) {
            (Some(at), event) if event.is_none_or(|event| **at <= event) => {
                let ask = SimAsk { prompt_tokens: input, max_tokens: output, prefix_blocks: Vec::new() };
                model.submit(**at, ask).unwrap();
                coming.next();
            }
            (_, Some(event)) => {
                for emission in model.advance(event) {
                    if let What::Token { .. } = emission.what {
                        tokens.entry(emission.id.0).or_insert((emission.at, emission.at)).1 = emission.at;
                    }
                }
            }
            (_, None) => break,
        }
    }
    let kept: Vec<(usize, &(Nanos, Nanos))> =
        tokens.values().enumerate().skip(requests / 10).take(requests * 8 / 10).collect();
    let ttft =
        Series::new(kept.iter().map(|(index, (first, _))| (*first - arrivals[*index]).secs())).unwrap();
    let tpot =
        Series::new(kept.iter().map(|(_, (first, last))| (*last - *first).secs() / f64::from(output - 1)))
            .unwrap();
    Seen { ttft_mean: ttft.mean(), ttft_p95: ttft.quantile(0.95), tpot: tpot.mean() }
}

#[test]
fn the_balance_is_near_what_a_simulated_server_does() {
    for name in ["h100-8b", "l4-8b", "h100-70b"] {
        let spec = SimSpec::parse(&format!("{name}?noise=0%&shock=0%&session=0%")).unwrap();
        let profile = spec.profile.clone();
        let step = |work: &Work| {
            (profile.step_us + work.prefill * profile.prefill_us + work.decoding * profile.decode_us) * 1e-6
                + work.decoding * work.context * profile.kv_read_ns * 1e-9
        };
        for (input, output) in [(512_u32, 128_u32), (2_000, 64), (128, 256)] {
            let station = Station {
                step: &step,
                lengths: Lengths { input: f64::from(input), output: f64::from(output), patches: 0.0 },
                chunk: f64::from(profile.budget),
                sequences: f64::from(profile.max_batch),
                share: 0.95,
                ideal: false,
            };
            let (capacity, _) = station.capacity(&crate::recommend::Limits::default()).unwrap();
            for share in [0.2, 0.5, 0.7] {
                let rate = capacity * share;
                let seen = simulated(&spec, rate, (input, output), 600);
                let told = station.at(rate).unwrap();
                let case = format!("{name} {input}+{output} at {share}");
                let near = |what: &str, told: f64, seen: f64, least: f64, most: f64| {
                    let ratio = told / seen;
                    assert!((least..most).contains(&ratio), "{case}: {what} {told:.4} told, {seen:.4} seen");
                };
                near("TPOT", told.step, seen.tpot, 0.85, 1.2);
                near("mean TTFT", told.ttft_mean, seen.ttft_mean, 0.7, 1.4);
                near("p95 TTFT", told.ttft, seen.ttft_p95, 0.65, 1.6);
            }
        }
    }
}
