//! stdout is data, stderr is conversation; a closed pipe is a normal end.

use std::io::{self, IsTerminal as _, Write as _};

use crate::app::AppError;
use crate::report::workflow::inert;

/// Text for stdout. False when nobody reads it any more, which is a normal end.
pub(super) fn data(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Tables for people on stdout, where a runner may read along.
pub(super) fn table(text: &str) {
    data(&inert(text));
}

/// `error: …`, and the next step beneath it.
pub(super) fn error(error: &AppError) {
    say(&format!("error: {}", error.message));
    if let Some(hint) = &error.hint {
        say(&format!("hint: {hint}"));
    }
}

/// `warning: …`, whose first line says what and whose others say what to do.
pub(super) fn warning(text: &str) {
    say(&format!("warning: {text}"));
}

/// Whether stdout is a terminal that wants colour (<https://no-color.org>).
pub(super) fn colour(no_color: bool) -> bool {
    !no_color && io::stdout().is_terminal()
}

/// The conversation of a run, which `--quiet` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Printer {
    quiet: bool,
    live: bool,
}

impl Printer {
    /// `terminal` is what `TERM` says: one that calls itself dumb cannot move its cursor.
    pub(super) fn new(quiet: bool, terminal: Option<&str>) -> Self {
        Self { quiet, live: !quiet && terminal != Some("dumb") && io::stderr().is_terminal() }
    }

    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Whether lines may be drawn over and over.
    pub(super) fn live(self) -> bool {
        self.live
    }
}

/// Nothing can be said about a stderr that is gone. Where a runner reads along, no text of others may command it.
fn say(text: &str) {
    drop(writeln!(io::stderr().lock(), "{}", inert(text)));
}
