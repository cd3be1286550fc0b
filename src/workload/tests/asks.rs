//! Prefixes, conversations, mixes, models, servers and users who leave: by the law that was stated, by seed and index alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::support::{LEVEL, build, build_parts, plain, row_file};
use crate::base::Nanos;
use crate::record::{Ask, Cancel, Metric, Prompt, Slo};
use crate::workload::{
    CacheLabel, Cancelling, Conversation, Dataset, Lengths, Part, Pause, Prefix, Schedule, TokenCounter,
    Visit, Weighted, Workload,
};

fn with_prefix(tokens: u32, groups: u32, cache: CacheLabel) -> Workload {
    Workload { prefix: Some(Prefix { tokens, groups }), cache, ..plain() }
}

fn words(text: &str, count: usize) -> String {
    text.split_whitespace().take(count).collect::<Vec<_>>().join(" ")
}

/// Pearson's statistic of counts against shares.
fn chi_square(counts: &[f64], shares: &[f64]) -> f64 {
    let n: f64 = counts.iter().sum();
    counts.iter().zip(shares).map(|(count, share)| (count - n * share).powi(2) / (n * share)).sum()
}

#[test]
fn groups_share_exactly_their_prefix() {
    for dataset in [Dataset::Synthetic, Dataset::Sonnet] {
        let workload = Workload { dataset, ..with_prefix(50, 4, CacheLabel::Mixed) };
        let schedule = build(workload, 1);
        let asks: Vec<Ask> = (0..400).map(|index| schedule.ask(index)).collect();
        assert!(asks.iter().all(|ask| ask.prompt_tokens == Some(82)));
        assert!(asks.iter().all(|ask| TokenCounter::Words.count(&ask.prompt.text()) == 82));
        let texts: Vec<String> = asks.iter().map(|ask| ask.prompt.text()).collect();
        let mut groups: BTreeMap<String, f64> = BTreeMap::new();
        for text in &texts {
            *groups.entry(words(text, 50)).or_default() += 1.0;
        }
        assert_eq!(groups.len(), 4);
        let counts: Vec<f64> = groups.values().copied().collect();
        // The 99.9th percentile of chi-square with three degrees of freedom.
        assert!(chi_square(&counts, &[0.25; 4]) < 16.27, "{counts:?}");
        let whole: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(whole.len(), texts.len(), "every request has an end of its own");
    }
}

#[test]
fn a_warm_cache_is_warmed_with_every_prefix() {
    let schedule = build(with_prefix(50, 7, CacheLabel::Warm), 2);
    assert_eq!(schedule.warm_set(), 7);
    let warmed: BTreeSet<String> =
        (0..7).map(|index| words(&schedule.warmup_ask(index).prompt.text(), 50)).collect();
    assert_eq!(warmed.len(), 7);
    for index in 0..100 {
        let text = schedule.ask(index).prompt.text();
        assert!(warmed.contains(&words(&text, 50)));
        assert!((0..7).all(|warm| schedule.warmup_ask(warm).prompt.text() != text));
    }
    assert_eq!(build(with_prefix(50, 7, CacheLabel::Mixed), 2).warm_set(), 0);
}

#[test]
fn a_warm_cache_without_prefixes_knows_every_prompt() {
    let schedule = build(Workload { cache: CacheLabel::Warm, distinct: Some(9), ..plain() }, 3);
    let key = |ask: Ask| (ask.prompt.text(), ask.output_tokens);
    assert_eq!(schedule.warm_set(), 9);
    let warmed: BTreeSet<_> = (0..9).map(|index| key(schedule.warmup_ask(index))).collect();
    let asked: BTreeSet<_> = (0..100).map(|index| key(schedule.ask(index))).collect();
    assert_eq!(warmed, asked);
    assert_eq!(asked.len(), 9);
}

#[test]
fn rows_are_warmed_salted_or_led_by_a_prefix() {
    let text = (0..20).map(|row| format!("{{\"prompt\": \"row {row}\"}}\n")).collect::<Vec<_>>().concat();
    let rows = |cache, prefix| {
        let workload = Workload { dataset: Dataset::File(row_file("r.jsonl")), cache, prefix, ..plain() };
        build_parts(&[Part::only("r", workload, Vec::new())], &LEVEL, 4, &text)
    };
    let texts = |schedule: &Schedule| -> Vec<String> {
        (0..40).map(|index| schedule.ask(index).prompt.text()).collect()
    };
    let warm = rows(CacheLabel::Warm, None);
    assert_eq!(warm.warm_set(), 20);
    let warmed: BTreeSet<String> = (0..20).map(|index| warm.warmup_ask(index).prompt.text()).collect();
    assert_eq!(warmed, texts(&warm).into_iter().collect());

    let cold = texts(&rows(CacheLabel::Cold, None));
    let heads: BTreeSet<&str> = cold.iter().filter_map(|text| text.split_whitespace().next()).collect();
    assert_eq!(heads.len(), 40, "no first token comes twice");
    assert!(cold.iter().all(|text| text.lines().nth(1).is_some_and(|line| line.starts_with("row "))));

    let led = texts(&rows(CacheLabel::Mixed, Some(Prefix { tokens: 12, groups: 2 })));
    let prefixes: BTreeSet<String> = led.iter().map(|text| words(text, 12)).collect();
    assert_eq!(prefixes.len(), 2);
    assert!(led.iter().all(|text| text.contains("\n\nrow ")));
}

fn talk(turns: Lengths, think: Option<Pause>) -> Workload {
    Workload { conversation: Some(Conversation { turns: Some(turns), think }), ..plain() }
}

#[test]
fn conversations_have_turns_pauses_and_indices_of_their_own() {
    let think = Pause::Exponential { mean: Nanos::from_secs(2.0) };
    let schedule = build(talk(Lengths::Uniform { low: 1, high: 5 }, Some(think)), 5);
    let visits: Vec<Visit> = schedule.visits().collect();
    assert_eq!(visits.len(), 200, "the number of requests counts conversations");
    let mut counts = [0.0; 5];
    let mut seen = BTreeSet::new();
    let mut pauses = Vec::new();
    for visit in &visits {
        counts[visit.turns.len() - 1] += 1.0;
        for (at, turn) in visit.turns.iter().enumerate() {
            assert_eq!(turn.ask.index, visit.index * 5 + at as u64);
            assert_eq!(turn.ask.turn as usize, at);
            assert_eq!(turn.ask.server, (visit.index % 3) as u16, "a session stays with its server");
            assert!(seen.insert(turn.ask.prompt.text()), "no turn repeats another");
            assert_eq!(turn.ask.prompt_tokens, (at == 0).then_some(32));
            assert_eq!(matches!(turn.ask.prompt, Prompt::Messages(_)), visit.turns.len() > 1);
            if at == 0 {
                assert_eq!(turn.think, Nanos::ZERO);
            } else {
                pauses.push(turn.think.secs());
            }
        }
    }
    // The 99.9th percentile of chi-square with four degrees of freedom.
    assert!(chi_square(&counts, &[0.2; 5]) < 18.47, "{counts:?}");
    let mean = pauses.iter().sum::<f64>() / pauses.len() as f64;
    assert!((mean - 2.0).abs() < 4.5 * 2.0 / (pauses.len() as f64).sqrt(), "{mean}");
}

#[test]
fn a_files_conversations_are_replayed_as_far_as_asked() {
    let text = r#"[{"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "a b c"},
        {"from": "human", "value": "two"}, {"from": "gpt", "value": "d"}, {"from": "human", "value": "three"}]}]"#;
    let turns = |turns| {
        let conversation = Some(Conversation { turns, think: Some(Pause::Fixed(Nanos::from_secs(1.0))) });
        let dataset = Dataset::File(row_file("s.json"));
        let workload = Workload { dataset, conversation, output: None, cache: CacheLabel::Mixed, ..plain() };
        let parts = [Part::only("s", workload, Vec::new())];
        let visit = build_parts(&parts, &LEVEL, 6, text).visit(0);
        let said = visit.turns.into_iter();
        said.map(|turn| (turn.ask.prompt.text(), turn.ask.output_tokens, turn.think.secs() as u32))
            .collect::<Vec<_>>()
    };
    let all = [("one", Some(3), 0), ("two", Some(1), 1), ("three", None, 1)]
        .map(|(text, tokens, think)| (text.to_owned(), tokens, think));
    assert_eq!(turns(None), all);
    assert_eq!(turns(Some(Lengths::Fixed(2))), all[..2]);
}

fn mix() -> Vec<Part> {
    let slo = Slo { metric: Metric::Ttft, limit: Nanos::from_ms(500.0) };
    let part = |name: &str, weight, tokens, slos| Part {
        weight,
        ..Part::only(name, Workload { input: Lengths::Fixed(tokens), ..plain() }, slos)
    };
    vec![part("chat", 3.0, 10, vec![slo]), part("rag", 1.0, 20, Vec::new())]
}

#[test]
fn parts_are_drawn_by_weight_and_keep_their_own() {
    let mut rag = 0.0;
    let (seeds, each) = (5, 2_000);
    for seed in 0..seeds {
        let schedule = build_parts(&mix(), &LEVEL, seed, "");
        for index in 0..each {
            let ask = schedule.ask(index);
            assert_eq!(ask.prompt_tokens, Some([10, 20][usize::from(ask.part)]));
            assert_eq!(ask.slos.is_some(), ask.part == 0);
            rag += f64::from(ask.part);
        }
    }
    let n = (seeds * each) as f64;
    assert!((rag / n - 0.25).abs() < 4.5 * (0.25 * 0.75 / n).sqrt(), "{rag}");
}

#[test]
fn a_part_asks_the_same_beside_any_other() {
    let texts = |parts: &[Part], name: &str| -> Vec<String> {
        let at = parts.iter().position(|part| part.name == name).unwrap() as u16;
        let schedule = build_parts(parts, &LEVEL, 7, "");
        (0..300)
            .map(|index| schedule.ask(index))
            .filter(|ask| ask.part == at)
            .map(|ask| ask.prompt.text())
            .collect()
    };
    let mut others = mix();
    others[0].workload.input = Lengths::Fixed(99);
    assert_eq!(texts(&mix(), "rag"), texts(&others, "rag"));
    let (chat, rag) = (texts(&mix(), "chat"), texts(&mix(), "rag"));
    assert!(rag.iter().all(|text| !chat.contains(text)));
}

#[test]
fn a_parts_body_meets_the_rows_own() {
    let dataset = Dataset::File(row_file("r.jsonl"));
    let workload = Workload { dataset, cache: CacheLabel::Mixed, ..plain() };
    let body = Some(r#"{"top_p":0.5,"temperature":1}"#.to_owned());
    let parts = [Part { body, ..Part::only("r", workload, Vec::new()) }];
    let body = |text: &str| build_parts(&parts, &LEVEL, 1, text).ask(0).extra_body;
    assert_eq!(body(r#"{"prompt": "x"}"#).as_deref(), Some(r#"{"top_p":0.5,"temperature":1}"#));
    assert_eq!(
        body(r#"{"prompt": "x", "body": {"temperature": 0, "n": null}}"#).as_deref(),
        Some(r#"{"n":null,"temperature":0,"top_p":0.5}"#)
    );
}

#[test]
fn models_are_drawn_by_weight_and_rows_name_their_own() {
    let models = [("base", 7.0), ("lora-a", 2.0), ("lora:b", 1.0)];
    let weighted = models.map(|(name, weight)| Weighted { name: name.to_owned(), weight }).to_vec();
    let schedule = build(Workload { models: weighted.clone(), ..plain() }, 8);
    let mut counts: BTreeMap<Arc<str>, f64> = BTreeMap::new();
    for index in 0..4_000 {
        *counts.entry(schedule.ask(index).model.unwrap()).or_default() += 1.0;
    }
    let counts: Vec<f64> = models.iter().map(|(name, _)| counts[*name]).collect();
    // The 99.9th percentile of chi-square with two degrees of freedom.
    assert!(chi_square(&counts, &[0.7, 0.2, 0.1]) < 13.82, "{counts:?}");

    let dataset = Dataset::File(row_file("r.jsonl"));
    let workload = Workload { models: weighted, dataset, cache: CacheLabel::Mixed, ..plain() };
    let text = r#"{"prompt": "x", "model": "own"}"#;
    let ask = build_parts(&[Part::only("r", workload, Vec::new())], &LEVEL, 1, text).ask(0);
    assert_eq!(ask.model.as_deref(), Some("own"));
}

#[test]
fn as_many_users_leave_as_was_said_and_none_from_a_warm_up() {
    let cancel = Some(Cancelling { share: 0.1, after: Cancel::Tokens(3) });
    let schedule = build(Workload { cancel, ..plain() }, 9);
    let n = 5_000;
    let gone = (0..n).filter(|index| schedule.ask(*index).cancel == Some(Cancel::Tokens(3))).count() as f64;
    assert!((gone / n as f64 - 0.1).abs() < 4.5 * (0.09 / n as f64).sqrt(), "{gone}");
    assert!((0..100).all(|index| schedule.warmup_ask(index).cancel.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_visit_depends_on_seed_and_index_alone(
        seed: u64, index in 0_u64..100_000, prefix in proptest::option::of((1_u32..40, 1_u32..9)), turns in 1_u32..6
    ) {
        let workload = Workload {
            prefix: prefix.map(|(tokens, groups)| Prefix { tokens, groups }),
            cancel: Some(Cancelling { share: 0.5, after: Cancel::After(Nanos::from_ms(5.0)) }),
            ..talk(Lengths::Uniform { low: 1, high: turns }, Some(Pause::Exponential { mean: Nanos::from_ms(9.0) }))
        };
        let mut parts = mix();
        parts.push(Part::only("talk", workload, Vec::new()));
        let (one, two) = (build_parts(&parts, &LEVEL, seed, ""), build_parts(&parts, &LEVEL, seed, ""));
        // Asked in another order, as shards and engines may.
        let later = two.visit(index + 1);
        prop_assert_eq!(one.visit(index), two.visit(index));
        prop_assert_eq!(one.visit(index + 1), later);
        prop_assert_eq!(one.warmup_ask(index), two.warmup_ask(index));
        prop_assert_eq!(one.ask(index), one.visit(index).turns.swap_remove(0).ask);
    }
}
