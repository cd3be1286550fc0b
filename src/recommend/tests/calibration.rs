//! Calibration finds the efficiencies that made the numbers.

use crate::base::Seed;
use crate::recommend::{
    Calibration, Efficiencies, Efficiency, Gpu, KvPrecision, Lengths, Observation, Precision, RecommendError,
    Replica, Station, Work, calibrate, named, recommend,
};

const GPU: &str = "h100-sxm";
const MODEL: &str = "meta-llama/Llama-3.1-8B";

/// A sweep of three rounds as a server with these shares would show it, with noise of this sd.
fn sweep(memory: f64, compute: f64, noise: f64, seed: u64) -> Vec<Observation> {
    let model = named(MODEL).unwrap();
    let gpu = Gpu::named(GPU).unwrap();
    let replica = Replica { model: &model, gpu, gpus: 1, precision: Precision::Bf16, kv: KvPrecision::Bf16 };
    let efficiency = Efficiency { memory, compute, ..Efficiencies::assumed(gpu).expected };
    let step = |work: &Work| replica.step(&efficiency, work);
    let station = Station {
        step: &step,
        lengths: Lengths { input: 1024.0, output: 256.0, patches: 0.0 },
        chunk: 8_192.0,
        sequences: 1e6,
        share: 0.5,
        ideal: false,
    };
    let mut chance = Seed(seed).chance();
    let mut all = Vec::new();
    for _round in 0..3 {
        for rate in [0.2, 2.0, 5.0, 8.0] {
            let point = station.at(rate).unwrap();
            let mut shaken = |value: f64| value * (noise * chance.normal()).exp();
            all.push(Observation {
                rate,
                lengths: station.lengths,
                tpot: shaken(point.step),
                ttft: (rate < 1.0).then(|| shaken(point.ttft_mean)),
            });
        }
    }
    all
}

fn fitted(observations: &[Observation], gpu: &str) -> Result<Calibration, RecommendError> {
    let model = named(MODEL).unwrap();
    let gpu = Gpu::named(gpu).unwrap();
    let replica = Replica { model: &model, gpu, gpus: 1, precision: Precision::Bf16, kv: KvPrecision::Bf16 };
    calibrate("sweep", &replica, observations)
}

#[test]
fn the_shares_that_made_the_numbers_are_found() {
    for (memory, compute) in [(0.55, 0.3), (0.74, 0.42), (0.9, 0.65)] {
        let found = fitted(&sweep(memory, compute, 0.0, 1), GPU).unwrap();
        assert!((found.memory.value / memory - 1.0).abs() < 0.02, "{memory}: {found:?}");
        assert!((found.compute.unwrap().value / compute - 1.0).abs() < 0.04, "{compute}: {found:?}");
        assert!(found.error_after < 0.01 && found.error_after <= found.error_before, "{found:?}");
    }
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    let held = (0..200)
        .filter(|seed| {
            let found = fitted(&sweep(0.7, 0.45, 0.03, *seed), GPU).unwrap();
            (found.memory.low..found.memory.high).contains(&0.7)
        })
        .count();
    assert!((180..=199).contains(&held), "{held} of 200 intervals at 95 %");
}

#[test]
fn what_was_measured_takes_the_place_of_what_is_assumed() {
    let mut ask = super::ask(MODEL, GPU, 20.0);
    ask.limits.tpot = Some(0.03);
    let before = recommend(&ask);
    ask.calibration = Some(fitted(&sweep(0.45, 0.2, 0.02, 3), GPU).unwrap());
    let after = recommend(&ask);
    let capacity = |answer: &crate::recommend::Recommendation| {
        let best = &answer.options[0];
        best.capacity.expected / f64::from(best.gpus_per_replica)
    };
    assert!(capacity(&after) < capacity(&before) * 0.8, "{} {}", capacity(&before), capacity(&after));
    assert!(after.assumptions.iter().any(|own| own.source == "--measured"));
}

#[test]
fn what_cannot_be_is_not_fitted() {
    // An H100's numbers are beyond an L4's bandwidth.
    let error = fitted(&sweep(0.74, 0.42, 0.01, 1), "l4").unwrap_err();
    assert!(error.to_string().contains("faster than"), "{error}");
    let few = &sweep(0.74, 0.42, 0.01, 1)[..1];
    let error = fitted(few, GPU).unwrap_err();
    assert!(error.to_string().contains("too few"), "{error}");
}
