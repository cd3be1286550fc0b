//! The shards of a level, laid together, are the level.

use super::*;

fn level() -> impl Strategy<Value = Level> {
    let limit = prop_oneof![
        (20_u64..120).prop_map(Limit::Requests),
        (20_u64..120, 1.0..9.0_f64)
            .prop_map(|(requests, span)| Limit::Either { requests, duration: Nanos::from_secs(span) }),
        (1.0..9.0_f64).prop_map(|span| Limit::Duration(Nanos::from_secs(span))),
    ];
    let law = prop_oneof![
        Just(Arrivals::Constant),
        Just(Arrivals::Poisson),
        (0.2..5.0_f64).prop_map(|shape| Arrivals::Gamma { shape }),
    ];
    let curve = prop_oneof![
        (20.0..40.0_f64).prop_map(|rate| Curve::from(Rate::new(rate).unwrap())),
        (0.0..30.0_f64, 20.0..40.0_f64)
            .prop_map(|(from, to)| { Curve::ramp(from, Rate::new(to).unwrap(), Nanos::from_secs(0.5)) }),
    ];
    let cap = prop_oneof![Just(None), (8_u32..64).prop_map(Some)];
    let load = prop_oneof![
        (8_u32..40, 0_u64..5_000)
            .prop_map(|(concurrency, ramp_up)| Load::Closed { concurrency, ramp_up: Nanos(ramp_up) }),
        (curve, law, cap).prop_map(|(rate, arrivals, max_in_flight)| Load::Open {
            rate,
            arrivals,
            max_in_flight
        }),
    ];
    (load, limit).prop_map(|(load, limit)| Level { load, limit })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn shards_are_the_whole_byte_for_byte(level in level(), count in 1_u32..9, seed: u64) {
        let whole = build(&level, seed);
        // A closed loop that only time limits has visits without end; its first ones stand for them.
        let first = |schedule: &Schedule, many: usize| schedule.visits().take(many).collect::<Vec<_>>();
        let all = first(&whole, 360);
        let shards: Vec<Schedule> = (0..count)
            .map(|index| whole.clone().of_shard(Shard::new(index, count).unwrap()).unwrap())
            .collect();
        let mut joined: Vec<Visit> =
            shards.iter().flat_map(|shard| first(shard, 360)).filter(|visit| visit.index < 360).collect();
        joined.sort_by_key(|visit| visit.index);
        prop_assert_eq!(&joined, &all);
        for (shard, index) in shards.iter().zip(0_u64..) {
            prop_assert!(shard.visits().take(9).all(|visit| visit.index % u64::from(count) == index));
            prop_assert_eq!(shard.deadline(), whole.deadline());
            prop_assert_eq!(shard.fingerprint(), whole.fingerprint());
        }
        let mut due: Vec<Nanos> = shards.iter().filter_map(Schedule::due).flat_map(|due| due.to_vec()).collect();
        due.sort();
        prop_assert_eq!(due, whole.due().unwrap_or_default().to_vec());
        check_paces(&whole, &shards)?;
    }
}

/// Clients, their starts and places in flight, laid together.
fn check_paces(whole: &Schedule, shards: &[Schedule]) -> Result<(), TestCaseError> {
    match whole.pace() {
        Pace::Closed { clients, starts } => {
            let mut joined = Vec::new();
            for shard in shards {
                let Pace::Closed { clients, starts } = shard.pace() else {
                    panic!("a shard changed the load")
                };
                prop_assert!(clients > 0);
                joined.extend((0..clients).map(|client| starts.at(client)));
            }
            joined.sort();
            prop_assert_eq!(joined, (0..clients).map(|client| starts.at(client)).collect::<Vec<_>>());
        }
        Pace::Open { max_in_flight } => {
            let caps: Vec<Option<u32>> = shards
                .iter()
                .map(|shard| match shard.pace() {
                    Pace::Open { max_in_flight } => max_in_flight,
                    Pace::Closed { .. } => panic!("a shard changed the load"),
                })
                .collect();
            prop_assert_eq!(caps.iter().copied().sum::<Option<u32>>(), max_in_flight);
        }
    }
    Ok(())
}

#[test]
fn a_level_too_small_for_its_shards_says_so() {
    let refuse = |level: &Level| build(level, 1).of_shard(Shard::new(0, 6).unwrap()).unwrap_err().to_string();
    insta::assert_snapshot!(refuse(&closed(4)), @"c=4 has fewer clients (4) than there are shards (6), and each shard needs its own");
    insta::assert_snapshot!(refuse(&Level { limit: Limit::Requests(5), ..closed(9) }), @"c=9 has fewer requests (5) than there are shards (6), and each shard needs its own");
    let rate = Rate::new(2.0).unwrap().into();
    let load = Load::Open { rate, arrivals: Arrivals::Constant, max_in_flight: Some(3) };
    insta::assert_snapshot!(refuse(&Level { load: load.clone(), limit: Limit::Requests(50) }), @"rate=2 has fewer places in flight (3) than there are shards (6), and each shard needs its own");
    let Load::Open { rate, arrivals, .. } = load else { panic!() };
    let load = Load::Open { rate, arrivals, max_in_flight: None };
    insta::assert_snapshot!(refuse(&Level { load, limit: Limit::Duration(Nanos::from_secs(2.0)) }), @"rate=2 has fewer requests (4) than there are shards (6), and each shard needs its own");
}
