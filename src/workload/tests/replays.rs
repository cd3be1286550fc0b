//! Traces as schedules: their times, their lengths, and what their prompts share.

use super::*;

const MOONCAKE: &str = r#"{"timestamp": 1000, "input_length": 1200, "output_length": 52, "hash_ids": [46, 47, 48]}
{"timestamp": 3000, "input_length": 1100, "output_length": 26, "hash_ids": [46, 47, 99]}
{"timestamp": 3000, "input_length": 700, "output_length": 9, "hash_ids": [7]}
{"timestamp": 11000, "input_length": 30, "output_length": 1, "hash_ids": [46]}
"#;

fn file() -> TraceFile {
    TraceFile { path: PathBuf::from("t.jsonl"), unit: None, block: 512 }
}

fn replay(text: &str, window: Replay, limit: Limit) -> Result<Schedule, ScheduleError> {
    let level = Level { load: Load::Replay { window, max_in_flight: Some(9) }, limit };
    Schedule::build(&source(text), &level, Seed(3))
}

fn source(text: &str) -> Source {
    let workload = Workload { output: Some(Lengths::Fixed(5)), ..workload(Dataset::Trace(file())) };
    let read = |_: &std::path::Path| Ok(text.as_bytes().to_vec());
    Source::new(&[Part::only("t", workload, Vec::new())], Servers::ONE, &TokenCounter::Words, read).unwrap()
}

fn all() -> Replay {
    Replay { scale: 1.0, from: Nanos::ZERO, until: None }
}

fn due_secs(window: Replay, limit: Limit) -> Vec<f64> {
    replay(MOONCAKE, window, limit).unwrap().due().unwrap().iter().map(|at| at.secs()).collect()
}

#[test]
fn due_times_are_the_recorded_ones_scaled_and_cut() {
    assert_eq!(due_secs(all(), Limit::Load), [0.0, 2.0, 2.0, 10.0]);
    assert_eq!(due_secs(Replay { scale: 0.5, ..all() }, Limit::Load), [0.0, 1.0, 1.0, 5.0]);
    assert_eq!(due_secs(all(), Limit::Requests(2)), [0.0, 2.0]);
    assert_eq!(due_secs(all(), Limit::Duration(Nanos::from_secs(10.0))), [0.0, 2.0, 2.0]);
    let from = Nanos::from_secs(2.0);
    assert_eq!(due_secs(Replay { from, ..all() }, Limit::Load), [0.0, 0.0, 8.0]);
    assert_eq!(
        due_secs(Replay { from, until: Some(Nanos::from_secs(10.0)), ..all() }, Limit::Load),
        [0.0, 0.0]
    );
    let nothing =
        replay(MOONCAKE, Replay { from: Nanos::from_secs(60.0), ..all() }, Limit::Load).unwrap_err();
    insta::assert_snapshot!(nothing.to_string(), @"no request of the trace lies between --trace-from and --trace-until; its last one comes after 10.0s");
}

#[test]
fn labels_name_the_speed() {
    let label = |scale| {
        Level {
            load: Load::Replay { window: Replay { scale, ..all() }, max_in_flight: None },
            limit: Limit::Load,
        }
        .label()
    };
    assert_eq!([1.0, 0.5, 2.0, 1.0 / 3.0].map(label), ["replay", "replay x2", "replay x0.5", "replay x3"]);
}

#[test]
fn prompts_have_the_recorded_lengths_and_share_exactly_the_recorded_blocks() {
    let schedule = replay(MOONCAKE, all(), Limit::Load).unwrap();
    let asks: Vec<Ask> = schedule.visits().flat_map(|visit| visit.turns).map(|turn| turn.ask).collect();
    let words: Vec<Vec<String>> =
        asks.iter().map(|ask| ask.prompt.text().split(' ').map(str::to_owned).collect()).collect();
    assert_eq!(words.iter().map(Vec::len).collect::<Vec<_>>(), [1200, 1100, 700, 30]);
    assert_eq!(asks.iter().map(|ask| ask.output_tokens).collect::<Vec<_>>(), [52, 26, 9, 1].map(Some));
    assert_eq!(words[0][..1024], words[1][..1024], "two blocks are the same");
    assert_ne!(words[0][1024..1030], words[1][1024..1030], "the third is another");
    assert_eq!(words[0][..30], words[3][..], "a short prompt is the beginning of its block");
    assert_ne!(words[0][..8], words[2][..8]);
    let other = replay(MOONCAKE, Replay { scale: 0.5, ..all() }, Limit::Load).unwrap();
    assert_ne!(other.ask(0).prompt, asks[0].prompt, "no level warms another's cache");
    let warm = schedule.warmup_ask(0);
    assert_eq!((warm.prompt_tokens, warm.output_tokens), (Some(30), Some(1)), "lengths from the far end");
    assert!(asks.iter().all(|ask| !ask.prompt.text().starts_with(&warm.prompt.text())));
}

#[test]
fn sessions_share_their_beginning_and_texts_are_sent_as_they_are() {
    let text = r#"{"time_s": 5, "input_tokens": 10, "session": "a"}
        {"time_s": 1, "input_tokens": 4, "session": "a"}
        {"time_s": 2, "input_tokens": 10, "session": "b", "output_tokens": 3}
        {"time_s": 3, "prompt": "as it stands"}"#;
    let schedule = replay(text, all(), Limit::Load).unwrap();
    let asks: Vec<Ask> = (0..4).map(|index| schedule.ask(index)).collect();
    let texts: Vec<String> = asks.iter().map(|ask| ask.prompt.text()).collect();
    assert!(texts[3].starts_with(&texts[0]), "sorted by time, the later turn extends the earlier one");
    assert!(!texts[1].starts_with(&texts[0]));
    assert_eq!(texts[2], "as it stands");
    assert_eq!((asks[2].prompt_tokens, asks[2].output_tokens), (None, Some(5)), "what the trace leaves open");
    assert_eq!(asks[1].output_tokens, Some(3));
}

#[test]
fn a_replay_splits_like_any_other_load() {
    let whole = replay(MOONCAKE, all(), Limit::Load).unwrap();
    let part = |index| whole.clone().of_shard(Shard::new(index, 3).unwrap()).unwrap();
    assert_eq!(part(0).visits().map(|visit| visit.index).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(part(1).visits().collect::<Vec<_>>(), [whole.visit(1)]);
    assert_eq!(part(2).pace(), Pace::Open { max_in_flight: Some(3) });
    assert!(whole.of_shard(Shard::new(0, 5).unwrap()).is_err());
}

#[test]
fn one_request_can_be_asked_without_its_time() {
    let schedule = Schedule::build(&source(MOONCAKE), &closed(1), Seed(1)).unwrap();
    assert_eq!((schedule.due(), schedule.visits().count()), (None, 100));
    assert_eq!(schedule.ask(4).prompt_tokens, Some(1200), "beyond its end it starts over");
}
