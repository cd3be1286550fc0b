//! The engine on virtual time, against a server that is a script.

mod stage;

use self::stage::{Play, STEADY, Script, Stopping, closed, open, play};
use crate::base::Nanos;
use crate::record::{Ask, Cancel, FailureClass, Outcome, Phase, Row};
use crate::workload::{Level, Limit, Load, Turn, Visit};

fn class(row: &Row) -> Option<FailureClass> {
    row.outcome.class()
}

fn ms(ms: f64) -> Nanos {
    Nanos::from_ms(ms)
}

#[test]
fn a_closed_loop_holds_its_concurrency_and_times_to_the_nanosecond() {
    let level = closed(4, Limit::Requests(10));
    let played = Play {
        level,
        script: STEADY,
        stream: true,
        warmup: 4,
        stopping: Stopping::Never,
        change: |visit| visit,
    }
    .run();
    let warm = played.rows.iter().filter(|row| row.phase == Phase::Warmup).count();
    let rows: Vec<_> = played.rows.iter().filter(|row| row.phase == Phase::Measure).collect();
    assert_eq!((warm, rows.len(), played.peak, played.lines), (4, 10, 4, 4));
    for row in rows {
        assert_eq!(row.outcome, Outcome::Success);
        let sent = row.sent.unwrap();
        let offsets: Vec<f64> = row.chunks.iter().map(|chunk| (chunk.at - sent).ms()).collect();
        assert_eq!(offsets, [50.0, 60.0, 70.0]);
    }
    assert_eq!(played.measured.end - played.measured.start, ms(210.0));
}

#[test]
fn a_burst_of_thousands_is_sent_whole_before_its_first_answers_are_due() {
    let played = play(closed(3_000, Limit::Requests(6_000)), STEADY);
    assert_eq!((played.rows.len(), played.peak, played.lines), (6_000, 3_000, 3_000));
    assert!(played.rows.iter().all(|row| row.outcome.is_success()));
    assert_eq!(played.measured.end - played.measured.start, ms(140.0));
}

#[test]
fn a_duration_ends_on_time_and_lets_the_last_requests_finish() {
    let played = play(closed(2, Limit::Duration(ms(100.0))), STEADY);
    assert_eq!(played.rows.len(), 4);
    assert!(played.rows.iter().all(|row| row.outcome.is_success()));
    assert_eq!(played.measured.end - played.measured.start, ms(100.0));
}

#[test]
fn clients_of_a_ramp_start_one_by_one() {
    let load = Load::Closed { concurrency: 4, ramp_up: ms(400.0) };
    let played = play(Level { load, limit: Limit::Duration(ms(500.0)) }, STEADY);
    let mut sent: Vec<f64> =
        played.rows.iter().map(|row| (row.sent.unwrap() - played.measured.start).ms()).collect();
    sent.sort_by(f64::total_cmp);
    // The first client is alone until 100 ms; a request takes 70 ms.
    assert_eq!(sent[..7], [0.0, 70.0, 100.0, 140.0, 170.0, 200.0, 210.0]);
    assert_eq!(played.peak, 4);
}

#[test]
fn an_open_loop_sends_when_due_and_a_slow_server_shows_from_due() {
    let slow = Script { first: ms(500.0), ..STEADY };
    let played = play(open(10.0, None, Limit::Requests(8)), slow);
    for (index, row) in played.rows.iter().enumerate() {
        assert_eq!(row.due, row.sent);
        assert_eq!(row.due.unwrap() - played.measured.start, ms(100.0 * index as f64));
    }
    let bounded = play(open(10.0, Some(1), Limit::Requests(4)), slow);
    let waits: Vec<f64> =
        bounded.rows.iter().map(|row| (row.sent.unwrap() - row.due.unwrap()).ms()).collect();
    assert_eq!(waits, [0.0, 420.0, 840.0, 1260.0]);
}

#[test]
fn an_onlooker_sees_when_the_window_began_and_who_waits_for_a_place() {
    let slow = Script { first: ms(500.0), ..STEADY };
    let level = open(10.0, Some(1), Limit::Requests(4));
    let play = Play {
        level,
        script: slow,
        stream: true,
        warmup: 2,
        stopping: Stopping::Never,
        change: |visit| visit,
    };
    let played = play.run();
    assert_eq!(played.gauge.began(), Some(played.measured.start));
    let seen: Vec<(u64, u64, u64)> =
        played.seen.iter().map(|seen| (seen.sent, seen.succeeded, seen.queued)).collect();
    assert_eq!(seen, [(1, 1, 3), (2, 2, 2), (3, 3, 1), (4, 4, 0)], "warm-up requests do not count");
}

#[test]
fn each_limit_of_waiting_has_its_own_class() {
    let one = closed(1, Limit::Requests(1));
    let silent = Script { hang_after: Some(0), ..STEADY };
    let stalled = Script { hang_after: Some(2), ..STEADY };
    let endless = Script { tokens: 100_000, ..STEADY };
    for (script, wanted, after) in [
        (silent, FailureClass::TimeoutFirstToken, 2_000.0),
        (stalled, FailureClass::Stalled, 1_060.0),
        (endless, FailureClass::TimeoutTotal, 5_000.0),
    ] {
        let played = play(one.clone(), script);
        let row = &played.rows[0];
        assert_eq!(class(row), Some(wanted));
        assert_eq!(row.done - row.sent.unwrap(), ms(after), "{wanted}");
    }
}

#[test]
fn headers_may_take_as_long_as_a_first_token_and_a_whole_answer_as_long_as_all() {
    let level = closed(1, Limit::Requests(1));
    let script = Script { mute: true, ..STEADY };
    for (stream, wanted, after) in
        [(true, FailureClass::TimeoutFirstToken, 2_000.0), (false, FailureClass::TimeoutTotal, 5_000.0)]
    {
        let (level, stopping) = (level.clone(), Stopping::Never);
        let played = Play { level, script, stream, warmup: 0, stopping, change: |visit| visit }.run();
        let row = &played.rows[0];
        assert_eq!(class(row), Some(wanted));
        assert_eq!(row.done - row.sent.unwrap(), ms(after), "{wanted}");
    }
}

#[test]
fn what_hangs_beyond_the_grace_is_the_servers_failure_and_not_ours() {
    let silent = Script { hang_after: Some(0), ..STEADY };
    let brief = Limit::Duration(ms(100.0));
    for played in [play(closed(2, brief), silent), play(open(50.0, Some(1), brief), silent)] {
        assert!(played.rows.len() >= 2);
        for row in &played.rows {
            assert_eq!(class(row), Some(FailureClass::TimeoutTotal), "{:?}", row.outcome);
            assert_eq!(row.done - played.measured.start, ms(1_100.0));
        }
    }
}

#[test]
fn a_stop_drains_and_an_end_cancels_and_every_row_is_accounted_for() {
    let stopped = |level, stopping| {
        Play { level, script: STEADY, stream: true, warmup: 0, stopping, change: |visit| visit }.run()
    };
    let drained = stopped(closed(2, Limit::Requests(100)), Stopping::Drain(ms(30.0)));
    assert_eq!(drained.rows.len(), 2);
    assert!(drained.measured.interrupted && drained.rows.iter().all(|row| row.outcome.is_success()));
    let ended = stopped(closed(2, Limit::Requests(100)), Stopping::End(ms(100.0)));
    let classes: Vec<_> = ended.rows.iter().map(class).collect();
    assert_eq!(classes, [None, None, Some(FailureClass::Cancelled), Some(FailureClass::Cancelled)]);
    let queued = stopped(open(100.0, Some(1), Limit::Requests(50)), Stopping::End(ms(95.0)));
    let cancelled = queued.rows.iter().filter(|row| class(row) == Some(FailureClass::Cancelled)).count();
    assert_eq!((queued.rows.len(), cancelled), (10, 9));
}

#[test]
fn a_line_that_the_server_closed_is_replaced_once_and_counted() {
    let played = play(closed(1, Limit::Requests(3)), Script { stale: true, ..STEADY });
    let reconnects: Vec<u32> = played.rows.iter().map(|row| row.reconnects).collect();
    assert!(played.rows.iter().all(|row| row.outcome.is_success()));
    assert_eq!((reconnects, played.lines), (vec![0, 1, 1], 3));
}

#[test]
fn a_server_that_is_away_or_refuses_leaves_a_row_for_every_request() {
    let away = play(closed(1, Limit::Requests(3)), Script { away: true, ..STEADY });
    assert_eq!(away.rows.iter().map(class).collect::<Vec<_>>(), [Some(FailureClass::Connect); 3]);
    let spent = away.measured.end - away.measured.start;
    assert_eq!(spent, ms(100.0), "a client rests between two refused connections");
    let busy = play(closed(1, Limit::Requests(3)), Script { refuses: Some("too busy"), ..STEADY });
    assert_eq!(busy.rows.iter().map(class).collect::<Vec<_>>(), [Some(FailureClass::Http5xx); 3]);
    assert!(matches!(&busy.rows[0].outcome, Outcome::Failed(failure) if failure.detail.contains("too busy")));
    assert_eq!(busy.lines, 1, "a refusal that was read to its end leaves the line usable");
}

/// Two more turns, half a second of thought before each.
fn conversation(mut visit: Visit) -> Visit {
    let index = visit.index;
    let turn = |turn: u32| {
        let ask = Ask { turn, ..Ask::plain(index * 3 + u64::from(turn), format!("q{turn}")) };
        Turn { ask, think: ms(if turn == 0 { 0.0 } else { 500.0 }) }
    };
    visit.turns = (0..3).map(turn).collect();
    visit
}

#[test]
fn a_conversation_grows_with_the_servers_own_answers_and_thinks_between_turns() {
    for (level, due) in [(closed(1, Limit::Requests(1)), false), (open(1.0, None, Limit::Requests(1)), true)]
    {
        let played = Play {
            level,
            script: STEADY,
            stream: true,
            warmup: 0,
            stopping: Stopping::Never,
            change: conversation,
        }
        .run();
        let said: Vec<serde_json::Value> =
            played.bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        let prompts: Vec<&str> = said.iter().map(|body| body["prompt"].as_str().unwrap()).collect();
        let (first, second) = ("q0\n t1 t2 t3\nq1", "q0\n t1 t2 t3\nq1\n t1 t2 t3\nq2");
        assert_eq!(prompts, ["q0", first, second]);
        let sent: Vec<f64> =
            played.rows.iter().map(|row| (row.sent.unwrap() - played.measured.start).ms()).collect();
        assert_eq!(sent, [0.0, 570.0, 1_140.0]);
        assert!(played.rows.iter().all(|row| (row.due == row.sent) == due && row.outcome.is_success()));
        assert!(played.rows.iter().all(|row| row.text.is_empty()));
    }
}

#[test]
fn a_user_who_goes_away_is_cancelled_and_the_line_closed() {
    let gone = |change| {
        let level = closed(1, Limit::Requests(2));
        let long = Script { tokens: 50, ..STEADY };
        Play { level, script: long, stream: true, warmup: 0, stopping: Stopping::Never, change }.run()
    };
    let by_tokens = gone(|mut visit| {
        visit.turns[0].ask.cancel = Some(Cancel::Tokens(5));
        visit
    });
    let by_time = gone(|mut visit| {
        visit.turns[0].ask.cancel = Some(Cancel::After(ms(95.0)));
        visit
    });
    for (played, tokens) in [(by_tokens, 5), (by_time, 5)] {
        for row in &played.rows {
            assert_eq!((class(row), row.chunks.len()), (Some(FailureClass::Cancelled), tokens));
        }
        assert_eq!(played.lines, 2);
    }
}
