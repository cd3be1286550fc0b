//! Forecasts against the tables that `stats` is tested with, and their words.

use super::*;
use crate::gate::tests::{key, policy, round, rounds};
use crate::gate::{RoundValues, SessionRounds};

fn given(noise: &[(&str, f64)]) -> BTreeMap<MetricKey, Noise> {
    noise.iter().map(|&(name, sd)| (key(name), Noise { sd, count: 0, source: NoiseSource::Given })).collect()
}

/// The forecast of tolerances and noises, with looks after 5, 8 and 12 pairs of rounds of 1,000 requests.
fn foreseen(tolerances: &[(&str, f64)], noise: &[(&str, f64)], levels: usize) -> Forecast {
    forecast(Question {
        policy: &policy(tolerances, &[]),
        looks: &Looks::usual(),
        levels,
        requests: Some(1_000),
        power: 0.9,
        pairs: &given(noise),
        sessions: &BTreeMap::new(),
        cost: Cost { round: Some(Nanos::from_secs(90.0)), gpus: 2 },
    })
}

fn pairs(forecast: &Forecast, name: &str) -> PairForecast {
    let cell = forecast.cells.iter().find(|cell| cell.key == key(name)).expect("a gated metric");
    cell.pairs.clone().expect("a known noise")
}

/// Ratios of the table in `stats::power`, 90 % power: 10 pairs at 5 %, 10 pairs at 1 %.
#[test]
fn one_look_needs_the_pairs_of_the_table() {
    let tolerance = 0.01_f64.exp_m1();
    let alone = foreseen(&[("ttft_p95", tolerance)], &[("ttft_p95", 0.01 / 1.0049)], 1);
    assert_eq!(pairs(&alone, "ttft_p95").to_pass, Some(10));
    let five = foreseen(&[("ttft_p95", tolerance)], &[("ttft_p95", 0.01 / 1.3541)], 5);
    assert_eq!((five.family, pairs(&five, "ttft_p95").to_fail), (5, Some(10)));
    let hopeless = foreseen(&[("ttft_p95", 0.001)], &[("ttft_p95", 0.2)], 1);
    assert_eq!(pairs(&hopeless, "ttft_p95").to_pass, None);
}

#[test]
fn what_is_resolved_is_resolved_and_what_is_detected_fails() {
    for (name, tolerance) in [("ttft_p95", 0.15), ("output_throughput", 0.07), ("goodput", 0.02)] {
        let found = pairs(&foreseen(&[(name, tolerance)], &[(name, 0.03)], 3), name);
        let scale = Scale::of(key(name).metric);
        let narrow = pairs(&foreseen(&[(name, found.resolves)], &[(name, 0.03)], 3), name);
        assert!((narrow.unchanged.pass() - 0.9).abs() < 1e-3, "{name}: {narrow:?}");
        let beyond = (scale.allowance(found.detects) - scale.allowance(tolerance)) / 0.03;
        let levels = (Looks::usual().level(0.05), Looks::usual().level(0.05 / 3.0));
        let fails = Prospect::new(&Looks::usual(), levels.0, levels.1).at(-beyond).fail();
        assert!((fails - 0.8).abs() < 1e-3, "{name}: {fails}");
        let quiet = pairs(&foreseen(&[(name, tolerance)], &[(name, found.bearable)], 3), name);
        assert!((quiet.unchanged.pass() - 0.9).abs() < 1e-3, "{name}: {quiet:?}");
    }
}

#[test]
fn more_noise_never_helps_and_costs_are_those_of_the_worst() {
    let mut before = 1.0;
    for sd in [0.01, 0.03, 0.06, 0.1, 0.2] {
        let now = pairs(&foreseen(&[("e2e_p95", 0.1)], &[("e2e_p95", sd)], 1), "e2e_p95").unchanged.pass();
        assert!(now <= before + 1e-6, "{sd}: {now}");
        before = now;
    }
    let two = foreseen(&[("ttft_p95", 0.15), ("e2e_p95", 0.1)], &[("ttft_p95", 0.02), ("e2e_p95", 0.08)], 1);
    let worst = pairs(&two, "e2e_p95").unchanged.mean_pairs();
    assert_eq!(two.mean_pairs, Some(worst));
    assert_eq!(two.gpu_minutes(12.0), Some(12.0 * 2.0 * 1.5 * 2.0));
    assert_eq!(foreseen(&[("ttft_p95", 0.15)], &[], 1).mean_pairs, None);
    // A noise below what is believed of identical rounds counts as that.
    let least = pairs(&foreseen(&[("ttft_p95", 0.15)], &[("ttft_p95", 1e-6)], 1), "ttft_p95");
    assert!((least.noise.sd - 0.002).abs() < 1e-12);
}

#[test]
fn advice_names_the_limiting_metric_and_the_ways_out() {
    let noisy = foreseen(
        &[("ttft_p95", 0.15), ("tpot_p95", 0.07), ("e2e_p99", 0.1), ("goodput", 0.02)],
        &[("ttft_p95", 0.04), ("tpot_p95", 0.09), ("e2e_p99", 0.5)],
        1,
    );
    assert_eq!(noisy.family, 3, "a thin quantile is not tested");
    insta::assert_snapshot!(noisy.advice.join("\n"), @"
    TPOT p95 limits this gate: an unchanged server passes it with 69.1 % instead of 90 % within 12 pairs. Either widen its tolerance to 9.6 %, or look once more after 10 pairs more (--rounds 5,8,12,22), or send about 1.8 times the requests a round, where the noise is that of few requests, or measure on a quieter runner (pairs that differ by 6.6 % instead of 9 %).
    E2E p99 needs 2,000 requests a round to be judged and would only be shown: raise --num-prompts.
    No noise is known of Goodput: say it with --noise, or measure it with --measure, which holds the server against itself.
    ");
    let fine = foreseen(&[("ttft_p95", 0.15)], &[("ttft_p95", 0.04)], 1);
    insta::assert_snapshot!(fine.advice.join("\n"), @"TTFT p95 limits this gate, and it is enough: an unchanged server passes it with 99.9 % within 12 pairs, 5 on average; tolerances down to 4.2 % would do.");
}

/// Differences of logarithms: ln 1.1 and ln 1.21 in one gate, three equal ones in another: variance (ln 1.1)² / 2 with one
/// degree of freedom, and none with two.
#[test]
fn pairs_of_several_gates_pool_around_their_own_means() {
    let pair = |candidate: f64, baseline: f64| {
        (round(1_000, &[("ttft_p95", candidate)]), round(1_000, &[("ttft_p95", baseline)]))
    };
    let gates = [
        vec![pair(110.0, 100.0), pair(242.0, 200.0)],
        vec![pair(3.0, 1.0), pair(3.0, 1.0), pair(6.0, 2.0)],
        vec![pair(1.0, 9.0)],
        vec![(RoundValues::default(), RoundValues::default())],
    ];
    let found = pair_noise(&gates, key("ttft_p95")).unwrap();
    assert_eq!((found.count, found.source), (5, NoiseSource::Pairs));
    assert!((found.sd - 1.1_f64.ln() / 6.0_f64.sqrt()).abs() < 1e-12, "{found:?}");
    assert_eq!(pair_noise(&gates[2..], key("ttft_p95")), None);
    assert_eq!(pair_noise(&gates, key("tpot_p95")), None);
}

/// `nct.sf(t.ppf(0.95, S - 1), S - 1, log(1.1) / (0.03 * sqrt(1 + 1 / S)))` in `SciPy`,
/// and `brentq` over it.
#[test]
fn stored_sessions_are_the_prediction_of_one_more() {
    let session = |values: &[f64]| SessionRounds { rounds: rounds("ttft_p95", values) };
    let noise = session_noise(&[session(&[100.0, 400.0, 90.0]), session(&[121.0])], key("ttft_p95")).unwrap();
    assert_eq!((noise.count, noise.source), (2, NoiseSource::Sessions));
    assert!((noise.sd - 1.21_f64.ln() / 2.0_f64.sqrt()).abs() < 1e-12, "{noise:?}");
    assert_eq!(session_noise(&[session(&[100.0])], key("ttft_p95")), None);
    let mut advice = Vec::new();
    for (sd, count, passes, resolves, needed) in
        [(0.03, 8, Some(0.851_936_6), Some(0.109_385_4), None), (0.027, 3, None, None, Some(8))]
    {
        let sessions = BTreeMap::from([(key("ttft_p95"), Noise { sd, count, ..noise })]);
        let found = forecast(Question {
            policy: &policy(&[("ttft_p95", 0.1)], &[]),
            looks: &Looks::usual(),
            levels: 1,
            requests: None,
            power: 0.9,
            pairs: &BTreeMap::new(),
            sessions: &sessions,
            cost: Cost { round: None, gpus: 1 },
        });
        advice.push(found.advice.join(" "));
        let found = found.cells[0].sessions.clone().unwrap();
        let close = |found: Option<f64>, expected: Option<f64>| match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-5,
            (None, None) => true,
            _ => false,
        };
        assert!(close(found.passes, passes) && close(found.resolves, resolves), "{found:?}");
        assert_eq!(
            found.needed, needed,
            "of the noisier ones fifteen reach 89.9 %, of the others eight 91.0 %"
        );
    }
    insta::assert_snapshot!(advice.join("\n"), @"
    TTFT p95 limits this gate: an unchanged server passes it with 85.1 % instead of 90 % against 8 stored sessions. Either widen its tolerance to 11 %, or judge it in pairs with --baseline-server, which cancels what differs between days.
    TTFT p95 limits this gate. The noise between sessions counts from five on, and 3 are stored: store more, or judge it in pairs with --baseline-server, which cancels what differs between days.
    ");
}
