//! Differences, restarts, several servers and gauges.

use super::super::{GaugeSample, Gauges, Page, Reading, Track, reading, window};
use crate::record::{Buckets, Course, EngineWindow};

/// vLLM's page after so many requests of 20 ms each.
fn page(requests: u32, started: f64) -> Reading {
    let seconds = f64::from(requests) * 0.02;
    let text = format!(
        "process_start_time_seconds {started}\n\
         vllm:request_success_total{{finished_reason=\"length\"}} {requests}\n\
         vllm:request_success_total{{finished_reason=\"abort\"}} 1\n\
         vllm:generation_tokens_total {}\n\
         vllm:time_to_first_token_seconds_bucket{{le=\"0.01\"}} 0\n\
         vllm:time_to_first_token_seconds_bucket{{le=\"0.04\"}} {requests}\n\
         vllm:time_to_first_token_seconds_bucket{{le=\"+Inf\"}} {requests}\n\
         vllm:time_to_first_token_seconds_sum {seconds}\n\
         vllm:time_to_first_token_seconds_count {requests}\n",
        requests * 10
    );
    reading(&Page::parse(&text), None).unwrap()
}

fn track(readings: &[Reading]) -> Track {
    let mut track = Track::new(readings[0].clone());
    readings[1..].iter().for_each(|reading| track.take(reading.clone()));
    track
}

fn told(tracks: &[Track]) -> EngineWindow {
    window(tracks, &[], 10.0).unwrap()
}

#[test]
fn a_window_is_the_difference_of_its_ends() {
    let window = told(&[track(&[page(5, 1.0), page(9, 1.0), page(25, 1.0)])]);
    assert_eq!((window.requests, window.failed, window.output_tokens), (Some(20.0), Some(0.0), Some(200.0)));
    let Buckets { cumulative, sum, count } = window.ttft.unwrap();
    assert_eq!(cumulative, [(0.01, 0.0), (0.04, 20.0), (f64::INFINITY, 20.0)]);
    assert_eq!((count, (sum * 1e6).round()), (20.0, 400_000.0));
    assert!(!window.restarted && window.e2e.is_none() && window.preemptions.is_none());
}

#[test]
fn servers_are_added_up() {
    let window = told(&[track(&[page(0, 1.0), page(3, 1.0)]), track(&[page(7, 2.0), page(9, 2.0)])]);
    assert_eq!((window.requests, window.ttft.map(|ttft| ttft.cumulative[1])), (Some(5.0), Some((0.04, 5.0))));
}

#[test]
fn a_counter_that_falls_or_a_later_start_is_a_restart() {
    for readings in [[page(9, 1.0), page(2, 1.0), page(30, 1.0)], [page(9, 1.0), page(9, 1.0), page(30, 9.0)]]
    {
        let window = told(&[track(&readings)]);
        assert_eq!((window.restarted, window.requests, window.ttft), (true, None, None));
    }
    let window = told(&[track(&[page(9, 1.0), page(0, 9.0)]), track(&[page(0, 1.0), page(4, 1.0)])]);
    assert_eq!((window.restarted, window.requests), (true, None));
}

#[test]
fn gauges_are_weighted_by_the_time_they_stand_for() {
    let sample = |at: f64, running: f64, kv: f64| GaugeSample {
        at,
        gauges: Gauges { running: Some(running), waiting: None, kv_usage: Some(kv) },
    };
    let samples = [sample(1.0, 4.0, 0.1), sample(3.0, 8.0, 0.3), sample(9.0, 2.0, 0.2)];
    let tracks = [track(&[page(0, 1.0), page(1, 1.0)])];
    let window = window(&tracks, &samples, 10.0).unwrap();
    // 2 s of 4, 4 s of 8, 4 s of 2.
    assert_eq!(window.running, Some(Course { mean: 4.8, min: 2.0, max: 8.0 }));
    assert_eq!((window.waiting, window.samples), (None, 3));
}

#[test]
fn the_caches_of_several_servers_are_averaged() {
    let gauges = |running, kv_usage| Gauges { running, waiting: None, kv_usage };
    let together =
        Gauges::together(&[gauges(Some(3.0), Some(0.2)), gauges(Some(4.0), Some(0.6)), gauges(None, None)]);
    assert_eq!((together.running, together.waiting, together.kv_usage), (Some(7.0), None, Some(0.4)));
}

#[test]
fn no_server_has_no_window() {
    assert_eq!(window(&[], &[], 1.0), None);
}
