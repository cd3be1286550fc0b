//! Schedules are pure: the same seed asks the same, in any order.

mod arrivals;
mod asks;
mod replays;
mod shards;
mod support;

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::base::{Nanos, Rate, Seed};
use crate::record::Ask;

fn workload(dataset: Dataset) -> Workload {
    let (input, output) = (Lengths::Uniform { low: 3, high: 40 }, Lengths::Uniform { low: 1, high: 9 });
    // As everything but synthetic prompts is without a word about the cache.
    let cache = if dataset == Dataset::Synthetic { CacheLabel::Cold } else { CacheLabel::Mixed };
    Workload { dataset, cache, ..Workload::synthetic(input, Some(output)) }
}

fn closed(concurrency: u32) -> Level {
    Level { load: Load::Closed { concurrency, ramp_up: Nanos::ZERO }, limit: Limit::Requests(100) }
}

fn open() -> Level {
    let rate = Rate::new(20.0).unwrap().into();
    Level {
        load: Load::Open { rate, arrivals: Arrivals::Poisson, max_in_flight: None },
        limit: Limit::Duration(Nanos::from_secs(5.0)),
    }
}

fn build(level: &Level, seed: u64) -> Schedule {
    let source = Source::of(&workload(Dataset::Synthetic), &TokenCounter::Words).unwrap();
    Schedule::build(&source, level, Seed(seed)).unwrap()
}

fn from_file(lines: usize, seed: u64) -> Schedule {
    let text: String = (0..lines)
        .map(|line| match line {
            0 => "{\"prompt\": \"p0\", \"output_tokens\": 77}\n".to_owned(),
            line => format!("{{\"prompt\": \"p{line}\"}}\n"),
        })
        .collect();
    let workload = workload(Dataset::File(support::row_file("p.jsonl")));
    support::build_parts(&[Part::only("p", workload, Vec::new())], &closed(4), seed, &text)
}

#[test]
fn a_golden_fingerprint_holds_across_machines_and_versions() {
    insta::assert_snapshot!(build(&closed(4), 42).fingerprint(), @"1a19669c638e2e50");
    assert_ne!(build(&closed(4), 42).fingerprint(), build(&closed(4), 43).fingerprint());
}

#[test]
fn levels_and_warm_up_share_no_prompt() {
    let (four, eight) = (build(&closed(4), 1), build(&closed(8), 1));
    for index in 0..200 {
        let prompts =
            [four.ask(index), eight.ask(index), four.warmup_ask(index)].map(|ask| ask.prompt.text());
        assert!(prompts[0] != prompts[1] && prompts[0] != prompts[2], "{index}");
    }
}

#[test]
fn lengths_fill_their_whole_range() {
    let schedule = build(&closed(4), 3);
    let asks: Vec<Ask> = (0..2_000).map(|index| schedule.ask(index)).collect();
    let inputs: Vec<u32> = asks.iter().filter_map(|ask| ask.prompt_tokens).collect();
    let outputs: Vec<u32> = asks.iter().filter_map(|ask| ask.output_tokens).collect();
    assert_eq!((inputs.iter().min(), inputs.iter().max()), (Some(&3), Some(&40)));
    assert_eq!((outputs.iter().min(), outputs.iter().max()), (Some(&1), Some(&9)));
    // Uniform on 3..=40: mean 21.5, sd 10.97, so four standard errors of 2,000 draws are 0.98.
    let mean = f64::from(inputs.iter().sum::<u32>()) / inputs.len() as f64;
    assert!((mean - 21.5).abs() < 0.98, "{mean}");
}

#[test]
fn open_loops_have_due_times_and_closed_loops_have_clients() {
    assert_eq!(build(&closed(4), 1).due(), None);
    let pace = build(&closed(4), 1).pace();
    let Pace::Closed { clients: 4, starts } = pace else { panic!("{pace:?}") };
    assert_eq!(starts.at(3), Nanos::ZERO);
    assert_eq!(build(&closed(4), 1).deadline(), None);
    let open = build(&open(), 1);
    assert_eq!(open.pace(), Pace::Open { max_in_flight: None });
    let due = open.due().unwrap();
    assert!(due.is_sorted());
    assert_eq!(due.len(), 100, "the rate holds exactly");
    assert_eq!(open.deadline(), Some(Nanos::from_secs(5.0)));
}

#[test]
fn a_file_is_shuffled_repeated_and_warmed_from_its_far_end() {
    let schedule = from_file(10, 5);
    let texts = |start: u64| -> Vec<String> {
        (start..start + 10).map(|index| schedule.ask(index).prompt.text()).collect()
    };
    assert_eq!(texts(0), texts(10), "the second time through repeats the first");
    let mut sorted = texts(0);
    sorted.sort();
    let all: Vec<String> = (0..10).map(|line| format!("p{line}")).collect();
    assert_eq!(sorted, all);
    assert_ne!(texts(0), all, "shuffled");
    assert_eq!(schedule.warmup_ask(0).prompt, schedule.ask(9).prompt);
    let own = (0..10).map(|index| schedule.ask(index)).find(|ask| ask.prompt.text() == "p0");
    assert_eq!(own.and_then(|ask| ask.output_tokens), Some(77));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let workload = workload(Dataset::File(support::row_file("p.jsonl")));
    let error = Source::of(&workload, &TokenCounter::Words).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"p.jsonl: no files here");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equal_seeds_ask_the_same_and_different_seeds_do_not(seed: u64, other: u64, index in 0_u64..1_000_000) {
        prop_assume!(seed != other);
        let (one, two) = (build(&open(), seed), build(&open(), seed));
        // Asked in another order, as the engine may.
        let later = two.ask(index + 1);
        prop_assert_eq!(one.ask(index), two.ask(index));
        prop_assert_eq!(one.ask(index + 1), later);
        prop_assert_eq!(one.warmup_ask(index), two.warmup_ask(index));
        prop_assert_eq!(one.due(), two.due());
        let differs = build(&open(), other);
        prop_assert_ne!(one.due(), differs.due());
        prop_assert!((0..8).any(|i| one.ask(i) != differs.ask(i)));
    }
}
