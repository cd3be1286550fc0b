//! stdout is data, stderr is conversation; a closed pipe is a normal end.

use std::io::{self, IsTerminal as _, Write as _};

use crate::app::AppError;

/// Where words go and how much of them is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Printer {
    pub quiet: bool,
}

impl Printer {
    /// Text for stdout. False when nobody reads it any more.
    pub(super) fn data(self, text: &str) -> bool {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
    }

    /// A line for stderr, unless `--quiet`.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            self.always(text);
        }
    }

    /// `error: …`, and the next step beneath it.
    pub(super) fn error(self, error: &AppError) {
        self.complain(&error.message, error.hint.as_ref().map(|hint| hint.0.as_str()));
    }

    pub(super) fn complain(self, message: &str, hint: Option<&str>) {
        self.always(&format!("error: {message}"));
        if let Some(hint) = hint {
            self.always(&format!("hint: {hint}"));
        }
    }

    /// Nothing can be said about a stderr that is gone.
    fn always(self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Colour only for a terminal that wants it (<https://no-color.org>).
    pub(super) fn colour(self, no_color: bool) -> bool {
        !no_color && io::stdout().is_terminal()
    }

    pub(super) fn live(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}
