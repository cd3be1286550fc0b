//! Trends and cuts over sessions whose truth is known.

use crate::base::Seed;
use crate::gate::{RoundValues, cut, trend};
use crate::record::MetricKey;

fn key(name: &str) -> MetricKey {
    name.parse().unwrap()
}

/// Three rounds around each of these values.
fn nights(name: &str, values: impl IntoIterator<Item = f64>) -> Vec<Vec<RoundValues>> {
    let round = |value: f64| RoundValues { values: [(key(name), value)].into(), ..RoundValues::default() };
    values.into_iter().map(|value| [0.99, 1.0, 1.02].map(|share| round(value * share)).to_vec()).collect()
}

/// `base` with a noise of 2 %, times `factor` from `at` on.
fn course(count: usize, base: f64, at: usize, factor: f64) -> Vec<f64> {
    let mut chance = Seed(3).child("course").chance();
    let value = |night: usize| if night < at { base } else { base * factor };
    (0..count).map(|night| value(night) * (0.02 * chance.normal()).exp()).collect()
}

#[test]
fn a_slower_server_is_an_alarm_and_a_change_and_a_faster_one_a_change() {
    let slower = trend(&nights("ttft_p95", course(60, 400.0, 54, 1.1)), key("ttft_p95"), 0).unwrap();
    let alarm = slower.alarm.unwrap();
    assert!((53..=55).contains(&alarm.since) && alarm.before + 1 == alarm.since, "{alarm:?}");
    assert!((0.08..0.13).contains(&alarm.change), "{alarm:?}");
    let [change] = slower.changes[..] else { panic!("{:?}", slower.changes) };
    assert!(change.is_worse && change.first.abs_diff(54) <= 1 && change.before + 1 == change.first);
    assert!((0.08..0.13).contains(&change.change) && change.confidence > 0.99, "{change:?}");
    assert_eq!(slower.segments.len(), 2);
    assert!((slower.segments[1].value / slower.segments[0].value - 1.1).abs() < 0.03);
    let faster = trend(&nights("ttft_p95", course(60, 400.0, 54, 0.9)), key("ttft_p95"), 0).unwrap();
    assert!(faster.alarm.is_none() && faster.changes.len() == 1 && !faster.changes[0].is_worse);
    // More throughput is better, less is an alarm.
    let name = "output_throughput";
    assert!(trend(&nights(name, course(60, 900.0, 52, 1.1)), key(name), 0).unwrap().alarm.is_none());
    let less = trend(&nights(name, course(60, 900.0, 52, 0.9)), key(name), 0).unwrap();
    assert!(less.alarm.unwrap().change < -0.05 && less.changes[0].is_worse);
}

#[test]
fn what_was_accepted_or_is_old_raises_nothing_more() {
    let values = nights("tpot_p95", course(60, 30.0, 40, 1.1));
    let accepted = trend(&values, key("tpot_p95"), 40).unwrap();
    assert!(accepted.alarm.is_none() && accepted.changes.len() == 1);
    assert!(trend(&values, key("tpot_p95"), 0).unwrap().alarm.is_none(), "a change of three weeks ago");
    assert!(trend(&values[..48], key("tpot_p95"), 0).unwrap().alarm.is_some());
    assert_eq!(trend(&values[..48], key("tpot_p95"), 40).unwrap().needed, 6);
    // A second slowdown is seen against the new level.
    let again: Vec<f64> = course(60, 30.0, 30, 1.2)
        .into_iter()
        .zip(course(60, 1.0, 54, 1.1))
        .map(|(value, more)| value * more)
        .collect();
    let twice = trend(&nights("tpot_p95", again), key("tpot_p95"), 0).unwrap();
    assert_eq!(twice.changes.len(), 2, "{:?}", twice.changes);
    assert!(twice.alarm.is_some());
}

#[test]
fn nights_without_the_number_are_passed_over() {
    let mut values = nights("ttft_p95", course(40, 400.0, 30, 1.2));
    values[5].clear();
    values[35].iter_mut().for_each(|round| round.values.clear());
    values[36][1].values.insert(key("ttft_p95"), 0.0);
    let found = trend(&values, key("ttft_p95"), 0).unwrap();
    assert_eq!(found.nights.len(), 37);
    assert!(found.nights.iter().all(|(session, _)| ![5, 35, 36].contains(session)));
    assert_eq!(found.changes[0].first, 30);
    assert_eq!(found.nights.last().unwrap().0, 39);
    assert_eq!(trend(&values, key("tpot_p95"), 0), None);
    assert_eq!(trend(&[], key("ttft_p95"), 0), None);
    let one = trend(&values[..1], key("ttft_p95"), 0).unwrap();
    assert_eq!((one.nights.len(), one.segments.len(), one.needed), (1, 1, 13));
}

#[test]
fn the_window_begins_at_the_newest_change_of_any_number() {
    let join = |first: Vec<Vec<RoundValues>>, second: Vec<Vec<RoundValues>>| -> Vec<Vec<RoundValues>> {
        let pairs = first.into_iter().zip(second);
        pairs
            .map(|(left, right)| {
                let both = |(mut one, other): (RoundValues, RoundValues)| {
                    one.values.extend(other.values);
                    one
                };
                left.into_iter().zip(right).map(both).collect()
            })
            .collect()
    };
    let ttft = nights("ttft_p95", course(30, 400.0, 12, 1.3));
    let tpot = nights("tpot_p95", course(30, 30.0, 20, 0.8));
    let levels = vec![("c=8".to_owned(), join(ttft, tpot))];
    let keys = [key("ttft_p95"), key("tpot_p95"), key("goodput")];
    let found = cut(&levels, &keys, 0).unwrap();
    assert_eq!((found.session, found.key, found.level.as_str()), (20, key("tpot_p95"), "c=8"));
    assert!((found.change + 0.2).abs() < 0.03 && !found.absolute, "{found:?}");
    assert_eq!(cut(&levels, &keys[..1], 0).unwrap().session, 12);
    assert_eq!(cut(&levels, &keys[2..], 0), None);
    assert_eq!(cut(&levels, &keys, 20), None);
    let few = vec![("c=8".to_owned(), levels[0].1[9..20].to_vec())];
    assert_eq!(cut(&few, &keys, 0), None, "eleven sessions are too few to tell");
}
