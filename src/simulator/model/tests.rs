//! The simulated server against what is known of real ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::Nanos;

/// The instants of each request's tokens and how it ended.
type Story = BTreeMap<Ticket, (Vec<Nanos>, Option<What>)>;

fn quiet(query: &str) -> SimSpec {
    SimSpec::parse(&format!("h100-8b?noise=0%&shock=0%&session=0%{query}")).unwrap()
}

fn ask(prompt_tokens: u32, max_tokens: u32) -> SimAsk {
    SimAsk { prompt_tokens, max_tokens, prefix_blocks: Vec::new() }
}

/// Submits each ask at its millisecond and follows the server event by event until it is idle.
fn follow(spec: &SimSpec, asks: &[(f64, SimAsk)]) -> (Model, Story) {
    let mut model = Model::new(spec, 0);
    let mut story = Story::new();
    let mut asks = asks.iter().peekable();
    loop {
        let arrival = asks.peek().map(|(ms, _)| Nanos::from_ms(*ms));
        match (arrival, model.next_event()) {
            (Some(at), event) if event.is_none_or(|event| at <= event) => {
                let (_, ask) = asks.next().unwrap();
                story.insert(model.submit(at, ask.clone()).unwrap(), (Vec::new(), None));
            }
            (_, Some(event)) => tell(&mut story, model.advance(event)),
            (_, None) => return (model, story),
        }
    }
}

fn tell(story: &mut Story, emissions: Vec<Emission>) {
    for Emission { id, at, what } in emissions {
        let (tokens, end) = story.entry(id).or_default();
        assert_eq!(*end, None, "nothing follows the end");
        match what {
            What::Token { index } => {
                assert_eq!(index as usize, tokens.len());
                tokens.push(at);
            }
            ending => *end = Some(ending),
        }
    }
}

fn alone(query: &str, ask: SimAsk) -> Vec<Nanos> {
    let (_, story) = follow(&quiet(query), &[(5.0, ask)]);
    story.into_values().next().unwrap().0
}

fn gaps(tokens: &[Nanos]) -> Vec<Nanos> {
    tokens.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn worst_ttft(asks: &[(f64, SimAsk)]) -> Nanos {
    let (_, story) = follow(&quiet(""), asks);
    let arrivals = asks.iter().map(|(ms, _)| Nanos::from_ms(*ms));
    story.values().zip(arrivals).map(|((tokens, _), at)| tokens[0] - at).max().unwrap()
}

#[test]
fn a_request_alone_costs_what_the_profile_says() {
    let tokens = alone("", ask(512, 3));
    // 7.5 ms per step, 25 us per prompt token; then 20 us per sequence and 40 ns per token of KV.
    assert_eq!(tokens[0], Nanos::from_ms(5.0 + 7.5 + 12.8));
    assert_eq!(gaps(&tokens), [Nanos(7_540_480), Nanos(7_540_520)]);
}

#[test]
fn ttft_rises_with_load() {
    let every = |ms: f64| -> Vec<_> { (0..200).map(|i| (f64::from(i) * ms, ask(512, 64))).collect() };
    let (light, heavy) = (worst_ttft(&every(500.0)), worst_ttft(&every(5.0)));
    assert!(light < Nanos::from_ms(60.0), "{light}");
    assert!(heavy.0 > 3 * light.0, "{light} then {heavy}");
}

#[test]
fn a_full_cache_queues_and_preempts_and_everything_still_ends() {
    let asks: Vec<_> = (0..20).map(|i| (f64::from(i), ask(100, 200))).collect();
    let (model, story) = follow(&quiet("&kv_blocks=64"), &asks);
    assert!(model.counters().preemptions > 0);
    assert!(
        story.values().all(|(tokens, end)| tokens.len() == 200 && matches!(end, Some(What::Finished { .. })))
    );
    assert_eq!(model.gauges(), Gauges { running: 0, waiting: 0, kv_usage: 0.0 });
    let last = |story: &Story| story.values().map(|(tokens, _)| tokens[199]).max();
    let (_, roomy) = follow(&quiet(""), &asks);
    assert!(last(&story) > last(&roomy), "waiting for space takes time");
}

#[test]
fn equal_seeds_tell_equal_stories_and_others_do_not() {
    let asks: Vec<_> = (0..30).map(|i| (f64::from(i) * 20.0, ask(300, 20))).collect();
    let story = |text: &str, session, start| {
        let spec = SimSpec::parse(text).unwrap().with_session(session);
        let mut model = Model::new(&spec, start);
        for (ms, ask) in &asks {
            model.submit(Nanos::from_ms(*ms), ask.clone()).unwrap();
        }
        model.advance(Nanos::from_secs(1e4))
    };
    let first = story("?seed=7", 0, 0);
    assert_eq!(first.len(), 30 * 21);
    assert_eq!(first, story("?seed=7", 0, 0));
    for other in [story("?seed=8", 0, 0), story("?seed=7", 1, 0), story("?seed=7", 0, 1)] {
        assert_ne!(first, other);
    }
}

#[test]
fn planted_changes_are_exact() {
    let natural = alone("", ask(512, 50));
    let slow_first = alone("&ttft=+30%", ask(512, 50));
    let arrival = Nanos::from_ms(5.0);
    assert_eq!(slow_first[0] - arrival, Nanos((natural[0] - arrival).0 * 13 / 10));
    assert_eq!(gaps(&slow_first), gaps(&natural));

    let slow_rest = alone("&itl=+15%", ask(512, 50));
    assert_eq!(slow_rest[0], natural[0]);
    assert_eq!(
        slow_rest[49] - slow_rest[0],
        Nanos(((natural[49] - natural[0]).0 as f64 * 1.15).round() as u64)
    );
    assert_eq!(alone("&regression=tpot:+15%", ask(512, 50)), slow_rest);

    let quick_first = alone("&ttft=-30%", ask(512, 50));
    let near = |left: Nanos, right: f64| (left.0 as f64 - right).abs() < 100.0;
    assert!(near(quick_first[0] - arrival, (natural[0] - arrival).0 as f64 * 0.7));
    assert!(near(quick_first[49] - quick_first[0], (natural[49] - natural[0]).0 as f64));
}

#[test]
fn a_late_caller_changes_nothing() {
    let asks: Vec<_> = (0..40).map(|i| (f64::from(i) * 7.0, ask(700, 30))).collect();
    let (_, prompt) = follow(&quiet(""), &asks);
    let mut model = Model::new(&quiet(""), 0);
    let mut late = Story::new();
    for (ms, ask) in &asks {
        model.submit(Nanos::from_ms(*ms), ask.clone()).unwrap();
    }
    for minute in 1..=2 {
        tell(&mut late, model.advance(Nanos::from_secs(f64::from(minute) * 60.0)));
    }
    assert_eq!(prompt, late);
}

#[test]
fn a_known_prefix_lowers_ttft_and_is_forgotten_when_space_is_needed() {
    let asks = |second: u64| {
        let of = |salt| SimAsk { prefix_blocks: (salt..salt + 100).collect(), ..ask(1_600, 4) };
        vec![(0.0, of(0)), (1_000.0, of(second))]
    };
    let ttft = |spec: &SimSpec, asks: &[(f64, SimAsk)]| {
        let (model, story) = follow(spec, asks);
        (story[&Ticket(1)].0[0] - Nanos::from_ms(asks[1].0), model.counters().prefix_hits)
    };
    let (cold, none) = ttft(&quiet(""), &asks(1_000));
    let (warm, hits) = ttft(&quiet(""), &asks(0));
    assert_eq!((none, hits), (0, 99 * 16));
    assert!(warm.0 * 4 < cold.0, "{cold} then {warm}");

    let mut between = asks(0);
    between.insert(1, (500.0, ask(1_600, 4)));
    let (model, _) = follow(&quiet("&kv_blocks=110"), &between);
    assert!(model.counters().prefix_hits < 99 * 16);
}

#[test]
fn faults_end_requests_as_asked() {
    let count = |query: &str, wanted: What| {
        let asks: Vec<_> = (0..400).map(|i| (f64::from(i), ask(10, 8))).collect();
        let (_, story) = follow(&quiet(query), &asks);
        let met: Vec<_> = story.values().filter(|(_, end)| *end == Some(wanted)).collect();
        assert!(met.iter().all(|(tokens, _)| (1..8).contains(&tokens.len())));
        met.len()
    };
    assert!((60..140).contains(&count("&cut=25%", What::Cut)));
    assert!((60..140).contains(&count("&instream=25%", What::Failed)));

    let refused = |query: &str| Model::new(&quiet(query), 0).submit(Nanos::ZERO, ask(1, 1));
    assert_eq!(refused("&errors=100%"), Err(Refusal::Error));
    assert_eq!(refused("&reject=100%"), Err(Refusal::Reject));
    assert_eq!(refused("&start_ms=5"), Err(Refusal::Starting));
    assert_eq!(refused(""), Ok(Ticket(0)));

    let stalled = gaps(&alone("&stall=100%&stall_ms=500", ask(10, 8)));
    assert_eq!(stalled.iter().filter(|gap| **gap > Nanos::from_ms(500.0)).count(), 1);
}

#[test]
fn a_request_for_no_tokens_costs_its_prefill_and_ends() {
    let (model, story) = follow(&quiet(""), &[(5.0, ask(512, 0))]);
    let (tokens, end) = &story[&Ticket(0)];
    assert_eq!((tokens.len(), *end), (0, Some(What::Finished { cached: 0, began: Nanos::from_ms(5.0) })));
    let counters = model.counters();
    assert_eq!((counters.prompt_tokens, counters.generation_tokens, counters.finished), (512, 0, 1));
    assert_eq!((counters.ttft.count(), counters.tpot.count()), (0, 0));
    // 7.5 ms per step, 25 us per prompt token.
    assert!((counters.e2e.sum() - 0.020_3).abs() < 1e-9, "{}", counters.e2e.sum());
    let end = |query: &str| follow(&quiet(query), &[(0.0, ask(64, 0))]).1.remove(&Ticket(0)).unwrap().1;
    assert_eq!((end("&cut=100%"), end("&instream=100%")), (Some(What::Cut), Some(What::Failed)));
}

#[test]
fn queue_prefill_and_decode_add_up_to_the_whole() {
    let (model, _) = follow(&quiet("&max_batch=1"), &[(0.0, ask(512, 3)), (1.0, ask(512, 3))]);
    let counters = model.counters();
    let (queue, prefill, decode) = (counters.queue.sum(), counters.prefill.sum(), counters.decode.sum());
    assert!((queue + prefill + decode - counters.e2e.sum()).abs() < 1e-9);
    assert!((prefill + decode - counters.inference.sum()).abs() < 1e-9);
    // The second waits for all but a millisecond of the first: 20.3 ms and two steps of decoding.
    let first = 0.020_3 + 0.007_540_48 + 0.007_540_52;
    assert!((queue - (first - 0.001)).abs() < 1e-9, "{queue}");
    assert_eq!((counters.steps, counters.busy, counters.tpot.count()), (6, 6, 2));
}

#[test]
fn a_cancelled_request_frees_its_place() {
    let mut model = Model::new(&quiet("&max_batch=1"), 0);
    let first = model.submit(Nanos::ZERO, ask(160, 1_000)).unwrap();
    let second = model.submit(Nanos::ZERO, ask(160, 1)).unwrap();
    assert!(model.advance(Nanos::from_ms(100.0)).iter().all(|emission| emission.id == first));
    assert_eq!((model.gauges().running, model.gauges().waiting), (1, 1));
    model.cancel(first);
    let rest = model.advance(Nanos::from_secs(10.0));
    assert!(rest.iter().all(|emission| emission.id == second) && rest.len() == 2);
    assert_eq!(model.gauges(), Gauges { running: 0, waiting: 0, kv_usage: 0.0 });
    assert_eq!(model.counters().aborted, 1);
}

#[test]
fn specs_read_and_wrong_ones_say_what_is_known() {
    let spec = SimSpec::parse("l4-8b?ttft=+30%&itl=-5%&errors=1%&seed=7&model=m&usage=off&chunk=8&api_key=k")
        .unwrap();
    assert_eq!((spec.profile.name, spec.seed, spec.chunk, spec.usage), ("l4-8b", 7, 8, false));
    assert!((spec.ttft - 0.3).abs() < 1e-12 && (spec.itl + 0.05).abs() < 1e-12);
    assert_eq!(SimSpec::parse("").unwrap(), SimSpec::parse("h100-8b?").unwrap());
    assert_eq!(quiet("&kv_blocks=4").profile.context, 64);

    let error = |text: &str| SimSpec::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(error("b200"), @"no simulated server is called 'b200'; known: h100-8b, l4-8b, h100-70b, fast, vllm, sglang, llama-server, ollama, trtllm, tgi, triton, anthropic");
    insta::assert_snapshot!(error("?ttft=30"), @"'30' is no value for the simulator's ttft; write a percent from -90% to +10000%, for example +30%");
    insta::assert_snapshot!(error("?regression=rps:+1%"), @"'rps:+1%' is no value for the simulator's regression; write for example ttft:+10% or itl:+5%");
    insta::assert_snapshot!(error("?itl=+1%&tpot=+2%"), @"the simulator's itl is given twice");
    insta::assert_snapshot!(error("?cut=60%&stall=60%"), @"the simulator's fault rates add up to more than 100%");
    assert!(error("?speed=9").contains("has no parameter 'speed'; known: ttft, itl"));
    for wrong in
        ["?seed=-1", "?noise=51%", "?errors=NaN%", "?chunk=0", "?usage=maybe", "?model=", "?stall_ms=-1"]
    {
        assert!(SimSpec::parse(wrong).is_err(), "{wrong}");
    }
}

/// Each parameter that the error message names is understood.
#[test]
fn every_known_parameter_is_read() {
    let message = SimSpec::parse("?x=1").unwrap_err().to_string();
    let (_, known) = message.split_once("known: ").unwrap();
    for name in known.split(", ") {
        let error = SimSpec::parse(&format!("?{name}=")).unwrap_err();
        assert!(matches!(error, SpecError::Value { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_request_ends_with_the_tokens_it_asked_for(
        asks in prop::collection::vec((0.0..300.0_f64, 1_u32..200, 1_u32..60, 0_u64..3), 1..40),
        kv_blocks in 17_u32..60,
        budget in 1_u32..600,
        max_batch in 1_u32..12,
        ttft in -80_i32..80,
    ) {
        let query = format!("&kv_blocks={kv_blocks}&budget={budget}&max_batch={max_batch}&ttft={ttft}%");
        let mut asks: Vec<_> = asks
            .into_iter()
            .map(|(at, prompt, max, salt)| {
                let prefix_blocks = (0..u64::from(prompt / 16)).map(|block| salt * 1_000 + block).collect();
                (at, SimAsk { prefix_blocks, ..ask(prompt, max) })
            })
            .collect();
        asks.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (model, story) = follow(&quiet(&query), &asks);
        for ((at, ask), (tokens, end)) in asks.iter().zip(story.values()) {
            prop_assert_eq!(tokens.len(), ask.max_tokens as usize);
            let finished = matches!(end, Some(What::Finished { .. }));
            prop_assert!(finished, "{:?}", end);
            prop_assert!(tokens[0] > Nanos::from_ms(*at) && tokens.is_sorted());
        }
        prop_assert_eq!(model.gauges(), Gauges { running: 0, waiting: 0, kv_usage: 0.0 });
    }
}
