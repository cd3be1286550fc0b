//! What must hold whatever the numbers are.

use proptest::prelude::*;

use super::ask;
use crate::recommend::{
    Demand, Efficiencies, Efficiency, Ends, GPUS, Gpu, KvPrecision, Lengths, Limits, Memory, Precision,
    Replica, Station, Work, known_names, named, open_rate, recommend, users_of,
};

/// A replica of any built-in model that any GPU can run.
fn models() -> impl Strategy<Value = String> {
    prop::sample::select(known_names().into_iter().map(|(name, _)| name).collect::<Vec<_>>())
}

fn gpus() -> impl Strategy<Value = &'static Gpu> {
    prop::sample::select(GPUS.iter().collect::<Vec<_>>())
}

fn work() -> impl Strategy<Value = Work> {
    (1.0..512.0_f64, 1.0..16_000.0_f64, 0.0..8_000.0_f64).prop_map(|(decoding, context, prefill)| Work {
        decoding,
        context,
        prefill,
        prefill_context: prefill / 2.0,
        patches: 0.0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_expectation_beats_the_bound(name in models(), gpu in gpus(), work in work(), gpus in prop::sample::select(vec![1_u32, 2, 4, 8])) {
        let model = named(&name).unwrap();
        let replica = Replica { model: &model, gpu, gpus, precision: Precision::Bf16, kv: KvPrecision::Bf16 };
        let Efficiencies { bound, low, expected, high } = Efficiencies::assumed(gpu);
        let [bound, low, expected, high] = [bound, low, expected, high].map(|own| replica.step(&own, &work));
        prop_assert!(bound > 0.0 && bound <= high && high <= expected && expected <= low);
    }

    #[test]
    fn more_bandwidth_more_arithmetic_and_less_work_are_never_slower(name in models(), gpu in gpus(), work in work(), more in 1.0..4.0_f64) {
        let model = named(&name).unwrap();
        let faster: &'static Gpu = Box::leak(Box::new(Gpu { bandwidth: gpu.bandwidth * more, ..*gpu }));
        let stronger: &'static Gpu = Box::leak(Box::new(Gpu { bf16: gpu.bf16 * more, ..*gpu }));
        let replica = |gpu| Replica { model: &model, gpu, gpus: 1, precision: Precision::Bf16, kv: KvPrecision::Bf16 };
        for efficiency in [Efficiency::ideal(), Efficiencies::assumed(gpu).expected] {
            let step = replica(gpu).step(&efficiency, &work);
            prop_assert!(replica(faster).step(&efficiency, &work) <= step);
            prop_assert!(replica(stronger).step(&efficiency, &work) <= step);
            let heavier = Work { decoding: work.decoding * more, context: work.context * more, prefill: work.prefill * more, ..work };
            prop_assert!(replica(gpu).step(&efficiency, &heavier) >= step);
        }
    }

    #[test]
    fn what_is_put_into_memory_fits(name in models(), gpu in gpus(), input in 1.0..32_000.0_f64, gpus in prop::sample::select(vec![1_u32, 2, 4, 8])) {
        let model = named(&name).unwrap();
        let replica = Replica { model: &model, gpu, gpus, precision: Precision::Bf16, kv: KvPrecision::Bf16 };
        let lengths = Lengths { input, output: 256.0, patches: 0.0 };
        for efficiency in [Efficiency::ideal(), Efficiencies::assumed(gpu).expected] {
            let Memory { total, weights, overhead, kv, sequences, .. } = Memory::of(&replica, &efficiency, lengths);
            let held = sequences * model.kv_bytes(lengths.held(), KvPrecision::Bf16) * model.kv_share(gpus);
            prop_assert!(sequences >= 0.0 && held <= kv * (1.0 + 1e-9));
            prop_assert!(kv == 0.0 || weights + overhead + kv <= total * (1.0 + 1e-9));
        }
    }

    #[test]
    fn more_load_never_needs_fewer_gpus(rate in 0.01..50.0_f64, more in 1.0..10.0_f64, users in any::<bool>(), gpu in gpus()) {
        let mut small = ask("Qwen/Qwen2.5-7B", gpu.id, rate);
        small.limits = Limits { ttft: Some(4.0), tpot: Some(0.2), e2e: None };
        let mut large = small.clone();
        if users {
            small.demand = Demand::Users { users: rate * 10.0, think: 5.0 };
            large.demand = Demand::Users { users: rate * 10.0 * more, think: 5.0 };
        } else {
            large.demand = Demand::Rate(rate * more);
        }
        let count = |ask| recommend(ask).options.first().map(|best| (best.gpus, best.served.ttft.expected, best.served.tpot.expected));
        let (few, many) = (count(&small), count(&large));
        prop_assert_eq!(few.is_some(), many.is_some());
        if let (Some((few, ..)), Some((many, ttft, tpot))) = (few, many) {
            prop_assert!(few <= many, "{few} then {many}");
            prop_assert!(ttft <= 4.0 && tpot <= 0.2, "{ttft} {tpot}");
        }
    }

    #[test]
    fn tighter_limits_never_need_fewer_gpus(ttft in 0.05..5.0_f64, tpot in 0.005..0.2_f64, looser in 1.0..5.0_f64) {
        let mut tight = ask("meta-llama/Llama-3.1-8B", "h100-sxm", 20.0);
        let mut loose = tight.clone();
        tight.limits = Limits { ttft: Some(ttft), tpot: Some(tpot), e2e: None };
        loose.limits = Limits { ttft: Some(ttft * looser), tpot: Some(tpot * looser), e2e: None };
        let count = |ask| recommend(ask).options.first().map_or(u32::MAX, |best| best.gpus);
        prop_assert!(count(&loose) <= count(&tight));
    }

    #[test]
    fn users_and_rates_are_two_sides_of_one_law(rate in 0.01..100.0_f64, response in 0.01..100.0_f64, think in 0.0..100.0_f64) {
        let users = users_of(rate, response, think);
        prop_assert!((open_rate(users, response, think) / rate - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_station_waits_longer_the_more_is_asked(rate in 0.1..20.0_f64, more in 1.0..1.5_f64) {
        let step = |work: &Work| 0.008 + work.prefill * 25e-6 + work.decoding * 20e-6;
        let station = Station {
            step: &step,
            lengths: Lengths { input: 512.0, output: 128.0, patches: 0.0 },
            chunk: 2_048.0,
            sequences: 256.0,
            share: 0.95,
            ideal: false,
        };
        if let (Ok(less), Ok(more)) = (station.at(rate), station.at(rate * more)) {
            prop_assert!(less.ttft <= more.ttft * 1.000_1 && less.tpot <= more.tpot * 1.000_1 && less.batch <= more.batch * 1.000_1);
            // Little's law: what is in the batch is what arrives times how long it stays.
            prop_assert!((less.batch - rate * 127.0 * less.step).abs() <= 1e-3 * less.batch);
        }
    }
}

#[test]
fn what_cannot_be_served_is_refused_with_its_reason() {
    let reason = |ask: &super::Ask| {
        let answer = recommend(ask);
        assert!(answer.options.is_empty(), "{:?}", answer.options);
        let refusal = answer.refused.into_iter().next().unwrap();
        (refusal.bound, refusal.physics, refusal.reason)
    };
    let (bound, physics, text) = reason(&ask("meta-llama/Llama-3.1-405B", "l4", 1.0));
    assert_eq!((bound, physics), ("memory", true), "{text}");
    let mut fast = ask("meta-llama/Llama-3.1-70B", "h100-sxm", 1.0);
    fast.limits.tpot = Some(1e-3);
    let (bound, physics, text) = reason(&fast);
    assert_eq!((bound, physics), ("tpot", true), "{text}");
    assert!(text.contains("limit 1 ms"), "{text}");
    let mut eager = ask("meta-llama/Llama-3.1-8B", "l4", 1.0);
    eager.limits.ttft = Some(0.05);
    assert_eq!(reason(&eager).0, "ttft");
    let mut few = ask("Qwen/Qwen2.5-7B", "t4", 100.0);
    few.max_gpus = Some(4);
    assert_eq!(reason(&few).0, "max_gpus");
    let mut eight = ask("Qwen/Qwen2.5-7B", "t4", 1.0);
    eight.precision = Precision::Fp8;
    assert_eq!(reason(&eight).0, "precision");
}

#[test]
fn capacity_ends_at_the_limit_that_is_named() {
    let step = |work: &Work| 0.008 + work.prefill * 25e-6 + work.decoding * 20e-6;
    let station = |sequences: f64| Station {
        step: &step,
        lengths: Lengths { input: 512.0, output: 128.0, patches: 0.0 },
        chunk: 2_048.0,
        sequences,
        share: 0.95,
        ideal: false,
    };
    let ends = |limits: Limits, sequences: f64| station(sequences).capacity(&limits).map(|(_, ends)| ends);
    assert_eq!(ends(Limits { ttft: Some(0.2), ..Limits::default() }, 1e6), Ok(Ends::Ttft));
    assert_eq!(ends(Limits { tpot: Some(0.012), ..Limits::default() }, 1e6), Ok(Ends::Tpot));
    assert_eq!(ends(Limits { e2e: Some(1.5), ..Limits::default() }, 1e6), Ok(Ends::E2e));
    assert_eq!(ends(Limits::default(), 16.0), Ok(Ends::Memory));
    assert_eq!(ends(Limits { ttft: Some(0.001), ..Limits::default() }, 1e6), Err(Ends::Ttft));
    let (rate, _) = station(1e6).capacity(&Limits::default()).unwrap();
    // Reading alone takes 12.8 ms of each request.
    assert!(rate < 1.0 / 0.0128, "{rate}");
}

#[test]
fn options_are_ranked_by_cost_and_every_gpu_is_answered_for() {
    let answer = recommend(&ask("Qwen/Qwen2.5-7B", "", 8.0));
    assert_eq!(answer.options.len() + answer.refused.len(), GPUS.len());
    let costs: Vec<f64> = answer.options.iter().map(|option| option.usd_per_hour.unwrap()).collect();
    assert!(costs.is_sorted(), "{costs:?}");
    for option in &answer.options {
        let bound = option.replicas.bound.unwrap();
        assert!(bound <= option.replicas.expected && option.served.utilization <= 0.800_1, "{option:?}");
        assert!(option.formulas.len() >= 9);
    }
}
