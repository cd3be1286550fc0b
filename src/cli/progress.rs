//! Progress of a run: one live line per level on a terminal, plain lines in a log.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::Printer;
use crate::app::{LevelTitle, Watcher};
use crate::base::Nanos;
use crate::engine::Reading;

/// A watcher that draws or prints, whichever suits stderr.
pub(super) struct Progress {
    printer: Printer,
    bar: Option<ProgressBar>,
    title: Option<LevelTitle>,
    /// Elapsed time at the last plain line.
    said: Nanos,
}

/// Often enough to show life in a log, rarely enough not to fill it.
const PLAIN_EVERY: Nanos = Nanos(10_000_000_000);

impl Progress {
    pub(super) fn new(printer: Printer) -> Self {
        Self { printer, bar: None, title: None, said: Nanos::ZERO }
    }

    fn line(&self, reading: Reading, elapsed: Nanos) -> String {
        describe(self.title.as_ref(), reading, elapsed)
    }
}

impl Watcher for Progress {
    fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.note(text)),
            None => self.printer.note(text),
        }
    }

    fn started(&mut self, title: &LevelTitle) {
        if self.printer.live() {
            let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr_with_hz(5));
            if let Ok(style) = ProgressStyle::with_template("{bar:12} {wide_msg}") {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        } else {
            self.printer.note(&format!("{}: started", heading(title)));
        }
        self.title = Some(title.clone());
        self.said = Nanos::ZERO;
    }

    fn tick(&mut self, reading: Reading, elapsed: Nanos) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(reading, elapsed));
            bar.set_position((share(self.title.as_ref(), reading, elapsed) * 1_000.0) as u64);
        } else if elapsed - self.said >= PLAIN_EVERY {
            self.said = elapsed;
            self.printer.note(&self.line(reading, elapsed));
        }
    }

    fn finished(&mut self, reading: Reading, elapsed: Nanos) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.printer.note(&self.line(reading, elapsed));
        self.title = None;
    }
}

fn heading(title: &LevelTitle) -> String {
    match title.rounds {
        0 | 1 => title.label.clone(),
        rounds => format!("round {}/{rounds} {}", title.round, title.label),
    }
}

/// How much of the level is over, by whichever limit is nearer.
fn share(title: Option<&LevelTitle>, reading: Reading, elapsed: Nanos) -> f64 {
    let Some(title) = title else { return 0.0 };
    let by_count = title.requests.map_or(0.0, |all| reading.done() as f64 / all.max(1) as f64);
    let by_time = title.duration.map_or(0.0, |all| elapsed.secs() / all.secs().max(1e-9));
    by_count.max(by_time).clamp(0.0, 1.0)
}

/// `round 2/5 c=32: 120/400 requests, 31 in flight, 42.1 req/s, 2,110 tok/s, 0 errors, 8.2s left`
fn describe(title: Option<&LevelTitle>, reading: Reading, elapsed: Nanos) -> String {
    let Some(known) = title else { return String::new() };
    let seconds = elapsed.secs().max(1e-9);
    let of = known.requests.map_or(String::new(), |all| format!("/{all}"));
    let done = share(title, reading, elapsed);
    let left = if done > 0.02 && done < 1.0 {
        format!(", {} left", Nanos::from_secs(seconds * (1.0 - done) / done))
    } else {
        String::new()
    };
    format!(
        "{}: {}{of} requests, {} in flight, {:.1} req/s, {:.0} tok/s, {} errors, {elapsed}{left}",
        heading(known),
        reading.done(),
        reading.in_flight(),
        reading.done() as f64 / seconds,
        reading.tokens as f64 / seconds,
        reading.failed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_watcher_wants_to_know() {
        let title =
            LevelTitle { round: 2, rounds: 5, label: "c=32".into(), requests: Some(400), duration: None };
        let reading = Reading { sent: 131, succeeded: 99, failed: 1, tokens: 6_400 };
        insta::assert_snapshot!(
            describe(Some(&title), reading, Nanos::from_secs(4.0)),
            @"round 2/5 c=32: 100/400 requests, 31 in flight, 25.0 req/s, 1600 tok/s, 1 errors, 4.0s, 12.0s left"
        );
    }
}
