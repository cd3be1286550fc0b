//! What a level under way says of itself: a panel for a terminal, a line for a log.

use std::cmp::{Ordering, Reverse};

use crate::app::{LevelTitle, Live};
use crate::base::Nanos;
use crate::metrics::Percentiles;
use crate::record::{FailureClass, Gpu};

/// Columns and rows of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Wider bars tell no more.
const BAR_MAX: usize = 40;

/// The panel's lines; none is longer, and there are no more, than the terminal takes.
pub(super) fn panel(title: &LevelTitle, live: &Live, size: Size) -> Vec<String> {
    let lines = [
        Some(headline(title, live, size.columns)),
        Some(levels(title, size.columns)),
        Some(bar(title, live, size.columns)),
        rates(live),
        Some(flight(live)),
        Some("               p50       p95       p99".to_owned()),
        Some(latency(ttft_name(title), live.so_far.ttft)),
        Some(latency("ITL", live.so_far.itl)),
        Some(errors(live)),
        gpus(&title.gpus),
    ];
    let mut lines: Vec<String> = lines.into_iter().flatten().collect();
    // The cursor rests in the row beneath.
    lines.truncate(size.rows.saturating_sub(1).max(1));
    lines.iter().map(|line| cut(line, size.columns)).collect()
}

/// `round 2/5 c=32: 120/400 requests, 31 in flight, 42.1 req/s, 2110 tok/s, …, no errors, 4.0s, 8.2s left`
pub(super) fn line(title: &LevelTitle, live: &Live) -> String {
    let name = |latencies: Option<Percentiles>, name: &str| {
        latencies.map(|Percentiles { p50, p95, p99 }| {
            format!("{name} p50/p95/p99 {}/{}/{}", ms(p50), ms(p95), ms(p99))
        })
    };
    let spent = live.elapsed.map(|elapsed| elapsed.to_string());
    let parts = [
        Some(requests(title, live)),
        Some(flight(live)),
        rates(live),
        name(live.so_far.ttft, ttft_name(title)),
        name(live.so_far.itl, "ITL"),
        Some(errors(live)),
        spent,
        left(title, live).map(|left| format!("{left} left")),
    ];
    format!("{}: {}", heading(title), parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// The level, and its round where there are several.
pub(super) fn heading(title: &LevelTitle) -> String {
    match turn(title) {
        None => title.label.clone(),
        Some(turn) => format!("{turn} {}", title.label),
    }
}

/// `round 2/5`, or `pair 2/12 baseline`; none where there is one round.
fn turn(title: &LevelTitle) -> Option<String> {
    match (title.arm, title.rounds) {
        (Some(arm), rounds) => Some(format!("pair {}/{rounds} {}", title.round, arm.id())),
        (None, 0 | 1) => None,
        (None, rounds) => Some(format!("round {}/{rounds}", title.round)),
    }
}

fn headline(title: &LevelTitle, live: &Live, columns: usize) -> String {
    let spent = live.elapsed.map(|elapsed| elapsed.to_string());
    let left = left(title, live).map(|left| format!("{left} left"));
    let right = [turn(title), spent, left].into_iter().flatten().collect::<Vec<_>>().join("  ");
    let room = columns.saturating_sub(right.chars().count() + 2);
    let subject = cut(&format!("{} on {}", title.model, title.hardware), room);
    let gap = columns.saturating_sub(subject.chars().count() + right.chars().count());
    format!("{subject}{}{right}", " ".repeat(gap))
}

/// The sweep with the current level marked; of a long one, what is around it.
fn levels(title: &LevelTitle, columns: usize) -> String {
    let now = title.labels.iter().position(|label| *label == title.label).unwrap_or(0);
    let words = title.labels.iter().enumerate().map(|(at, label)| match at.cmp(&now) {
        Ordering::Less => format!("{label} done"),
        Ordering::Equal => format!("[{label}]"),
        Ordering::Greater => label.clone(),
    });
    let words: Vec<String> = words.collect();
    let whole = words.join("  ");
    if whole.chars().count() <= columns {
        return whole;
    }
    let from = now.saturating_sub(1);
    let rest = words.get(from..).unwrap_or_default().join("  ");
    if from > 0 { format!("…  {rest}") } else { rest }
}

fn bar(title: &LevelTitle, live: &Live, columns: usize) -> String {
    if live.elapsed.is_none() {
        return format!("warming up: {} answered", live.reading.done());
    }
    let done = share(title, live);
    let text = format!(" {:>3.0} %  {}", done * 100.0, requests(title, live));
    let width = columns.saturating_sub(text.chars().count()).min(BAR_MAX);
    let full = (done * width as f64).round() as usize;
    format!("{}{}{text}", "█".repeat(full), "░".repeat(width - full))
}

fn requests(title: &LevelTitle, live: &Live) -> String {
    match title.requests {
        Some(all) => format!("{}/{all} requests", live.reading.done()),
        None => format!("{} requests", live.reading.done()),
    }
}

/// Asked and achieved; none before the window.
fn rates(live: &Live) -> Option<String> {
    let seconds = live.elapsed?.secs().max(1e-9);
    let per_second = |count: u64| count as f64 / seconds;
    let (done, tokens) = (per_second(live.reading.done()), per_second(live.reading.tokens));
    Some(match live.due {
        Some(due) => format!(
            "{:.1} req/s asked, {:.1} sent, {done:.1} answered, {tokens:.0} tok/s",
            per_second(due),
            per_second(live.reading.sent)
        ),
        None => format!("{done:.1} req/s, {tokens:.0} tok/s"),
    })
}

fn flight(live: &Live) -> String {
    match live.reading.queued {
        0 => format!("{} in flight", live.reading.in_flight()),
        queued => format!("{} in flight, {queued} queued", live.reading.in_flight()),
    }
}

/// What the percentiles of the first token are counted from.
fn ttft_name(title: &LevelTitle) -> &'static str {
    if title.open_loop { "TTFT (due)" } else { "TTFT" }
}

fn latency(name: &str, latencies: Option<Percentiles>) -> String {
    let [p50, p95, p99] = match latencies {
        Some(Percentiles { p50, p95, p99 }) => [p50, p95, p99].map(ms),
        None => ["-", "-", "-"].map(str::to_owned),
    };
    format!("{name:<10}{p50:>8}  {p95:>8}  {p99:>8}")
}

fn ms(value: f64) -> String {
    Nanos::from_ms(value).to_string()
}

/// By class, the most frequent first.
fn errors(live: &Live) -> String {
    let mut classes: Vec<(FailureClass, u64)> =
        live.so_far.failures.iter().map(|(class, count)| (*class, *count)).collect();
    classes.sort_by_key(|(_, count)| Reverse(*count));
    let all: u64 = classes.iter().map(|(_, count)| count).sum();
    let named: Vec<String> = classes.iter().map(|(class, count)| format!("{class} {count}")).collect();
    match all {
        0 => "no errors".to_owned(),
        1 => format!("1 error ({})", named.join(", ")),
        several => format!("{several} errors ({})", named.join(", ")),
    }
}

/// What is known of them: their names.
fn gpus(gpus: &[Gpu]) -> Option<String> {
    let mut names: Vec<&str> = gpus.iter().map(|gpu| gpu.name.as_str()).collect();
    names.sort_unstable();
    let kinds =
        names.chunk_by(|a, b| a == b).filter_map(|same| Some(format!("{} × {}", same.len(), same.first()?)));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    (!kinds.is_empty()).then(|| format!("GPUs: {kinds}"))
}

/// How much of the level is over, by whichever limit is nearer.
fn share(title: &LevelTitle, live: &Live) -> f64 {
    let elapsed = live.elapsed.unwrap_or_default();
    let by_count = title.requests.map_or(0.0, |all| live.reading.done() as f64 / all.max(1) as f64);
    let by_time = title.duration.map_or(0.0, |all| elapsed.secs() / all.secs().max(1e-9));
    by_count.max(by_time).clamp(0.0, 1.0)
}

/// Time left at the pace so far; none before there is one.
fn left(title: &LevelTitle, live: &Live) -> Option<Nanos> {
    let (done, elapsed) = (share(title, live), live.elapsed?);
    (done > 0.02 && done < 1.0).then(|| Nanos::from_secs(elapsed.secs() * (1.0 - done) / done))
}

fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.trim_end().to_owned();
    }
    line.chars().take(columns.saturating_sub(1)).chain(['…']).take(columns).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::Reading;
    use crate::metrics::SoFar;

    fn title() -> LevelTitle {
        LevelTitle {
            round: 2,
            rounds: 5,
            arm: None,
            label: "rate=50".to_owned(),
            labels: ["rate=10", "rate=20", "rate=50", "rate=100", "rate=200"].map(str::to_owned).to_vec(),
            open_loop: true,
            requests: None,
            duration: Some(Nanos::from_secs(120.0)),
            model: "Qwen/Qwen3-14B".to_owned(),
            hardware: "2x NVIDIA H100".to_owned(),
            gpus: vec![Gpu { name: "NVIDIA H100 80GB HBM3".to_owned(), memory: 80 << 30 }; 2],
        }
    }

    fn live() -> Live {
        Live {
            reading: Reading { queued: 4, sent: 2_096, succeeded: 2_061, failed: 4, tokens: 263_808 },
            so_far: SoFar {
                ttft: Some(Percentiles { p50: 118.4, p95: 1_203.0, p99: 1_311.7 }),
                itl: Some(Percentiles { p50: 8.49, p95: 8.71, p99: 61_000.0 }),
                failures: BTreeMap::from([(FailureClass::Stalled, 1), (FailureClass::Http429, 3)]),
            },
            due: Some(2_100),
            elapsed: Some(Nanos::from_secs(42.0)),
        }
    }

    fn shown(columns: usize, rows: usize) -> String {
        panel(&title(), &live(), Size { columns, rows }).join("\n")
    }

    #[test]
    fn a_panel_says_what_an_onlooker_wants_to_know() {
        insta::assert_snapshot!(shown(80, 24), @r"
        Qwen/Qwen3-14B on 2x NVIDIA H100                    round 2/5  42.0s  1m18s left
        rate=10 done  rate=20 done  [rate=50]  rate=100  rate=200
        ██████████████░░░░░░░░░░░░░░░░░░░░░░░░░░  35 %  2065 requests
        50.0 req/s asked, 49.9 sent, 49.2 answered, 6281 tok/s
        31 in flight, 4 queued
                       p50       p95       p99
        TTFT (due) 118.4ms      1.2s      1.3s
        ITL          8.5ms     8.7ms     1m01s
        4 errors (http_429 3, stalled 1)
        GPUs: 2 × NVIDIA H100 80GB HBM3
        ");
    }

    #[test]
    fn a_narrow_or_low_terminal_gets_less() {
        insta::assert_snapshot!(shown(40, 24), @r"
        Qwen/Qwen…  round 2/5  42.0s  1m18s left
        …  rate=20 done  [rate=50]  rate=100  r…
        ███████░░░░░░░░░░░░  35 %  2065 requests
        50.0 req/s asked, 49.9 sent, 49.2 answe…
        31 in flight, 4 queued
                       p50       p95       p99
        TTFT (due) 118.4ms      1.2s      1.3s
        ITL          8.5ms     8.7ms     1m01s
        4 errors (http_429 3, stalled 1)
        GPUs: 2 × NVIDIA H100 80GB HBM3
        ");
        insta::assert_snapshot!(shown(20, 5), @r"
        round 2/5  42.0s  1…
        …  rate=20 done  [r…
          35 %  2065 reques…
        50.0 req/s asked, 4…
        ");
        for columns in 0..100 {
            for line in shown(columns, 24).lines() {
                assert!(line.chars().count() <= columns, "'{line}' in {columns} columns");
            }
        }
        assert_eq!(shown(80, 0).lines().count(), 1);
    }

    #[test]
    fn a_level_that_warms_up_has_no_rate_yet() {
        let title = LevelTitle {
            open_loop: false,
            rounds: 1,
            label: "c=32".to_owned(),
            labels: vec!["c=32".to_owned()],
            requests: Some(400),
            duration: None,
            gpus: Vec::new(),
            ..title()
        };
        let reading = Reading { sent: 20, succeeded: 12, ..Reading::default() };
        let live = Live { reading, so_far: SoFar::default(), due: None, elapsed: None };
        insta::assert_snapshot!(panel(&title, &live, Size { columns: 60, rows: 24 }).join("\n"), @r"
        Qwen/Qwen3-14B on 2x NVIDIA H100
        [c=32]
        warming up: 12 answered
        8 in flight
                       p50       p95       p99
        TTFT             -         -         -
        ITL              -         -         -
        no errors
        ");
        insta::assert_snapshot!(line(&title, &live), @"c=32: 12/400 requests, 8 in flight, no errors");
    }

    #[test]
    fn a_line_holds_the_same_facts() {
        insta::assert_snapshot!(line(&title(), &live()), @"round 2/5 rate=50: 2065 requests, 31 in flight, 4 queued, 50.0 req/s asked, 49.9 sent, 49.2 answered, 6281 tok/s, TTFT (due) p50/p95/p99 118.4ms/1.2s/1.3s, ITL p50/p95/p99 8.5ms/8.7ms/1m01s, 4 errors (http_429 3, stalled 1), 42.0s, 1m18s left");
        let calm = Live { so_far: SoFar::default(), due: None, ..live() };
        let closed = LevelTitle { open_loop: false, requests: Some(4_000), ..title() };
        insta::assert_snapshot!(line(&closed, &calm), @"round 2/5 rate=50: 2065/4000 requests, 31 in flight, 4 queued, 49.2 req/s, 6281 tok/s, no errors, 42.0s, 39.4s left");
    }
}
