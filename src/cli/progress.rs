//! Progress of a run: a panel that is drawn over and over on a terminal, plain lines in a log.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::panel::{Size, heading, line, panel};
use super::printer::Printer;
use crate::app::{LevelTitle, Live, Watcher};
use crate::base::Nanos;

/// A watcher that draws or prints, whichever suits stderr.
pub(super) struct Progress {
    voice: Voice,
    title: Option<LevelTitle>,
    /// Elapsed time at the last plain line.
    said: Nanos,
}

/// Says things on stderr above the panel, and not into it. Its clones speak for the same panel.
#[derive(Clone)]
pub(super) struct Voice {
    printer: Printer,
    screen: Arc<Mutex<Screen>>,
}

/// The panel as it stands on the terminal: the cursor is at the start of the row beneath it, where whatever the terminal
/// echoes (`^C`) does no harm.
#[derive(Debug, Default)]
struct Screen(Vec<String>);

/// Often enough to show life in a log, rarely enough not to fill it.
const PLAIN_EVERY: Nanos = Nanos(10_000_000_000);
/// Where the terminal does not say.
const SIZE: Size = Size { columns: 80, rows: 24 };

impl Voice {
    pub(super) fn note(&self, text: &str) {
        let mut screen = self.screen();
        let panel = screen.0.clone();
        show(&screen.replace(Vec::new(), size().columns));
        self.printer.note(text);
        show(&screen.replace(panel, size().columns));
    }

    /// Takes the panel off the terminal, which is then as it was.
    pub(super) fn clear(&self) {
        show(&self.screen().replace(Vec::new(), size().columns));
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen {
    /// What to write so that these lines stand where the old ones did. A terminal that became narrower has broken the old
    /// lines into more rows.
    fn replace(&mut self, lines: Vec<String>, columns: usize) -> String {
        let rows: usize =
            self.0.iter().map(|line| line.chars().count().div_ceil(columns.max(1)).max(1)).sum();
        let mut text = if rows > 0 { format!("\x1b[{rows}A\r\x1b[J") } else { String::new() };
        for line in &lines {
            text.push_str(line);
            text.push('\n');
        }
        self.0 = lines;
        text
    }
}

impl Progress {
    pub(super) fn new(printer: Printer) -> Self {
        let voice = Voice { printer, screen: Arc::new(Mutex::new(Screen::default())) };
        Self { voice, title: None, said: Nanos::ZERO }
    }

    pub(super) fn voice(&self) -> Voice {
        self.voice.clone()
    }
}

impl Watcher for Progress {
    fn note(&mut self, text: &str) {
        self.voice.note(text);
    }

    fn started(&mut self, title: &LevelTitle) {
        if !self.voice.printer.live() {
            self.voice.note(&format!("{}: started", heading(title)));
        }
        self.title = Some(title.clone());
        self.said = Nanos::ZERO;
    }

    fn tick(&mut self, live: &Live) {
        let Some(title) = &self.title else { return };
        let elapsed = live.elapsed.unwrap_or_default();
        if self.voice.printer.live() {
            let size = size();
            show(&self.voice.screen().replace(panel(title, live, size), size.columns));
        } else if elapsed - self.said >= PLAIN_EVERY {
            self.said = elapsed;
            self.voice.note(&line(title, live));
        }
    }

    fn finished(&mut self, live: &Live) {
        self.voice.clear();
        if let Some(title) = self.title.take() {
            self.voice.note(&line(&title, live));
        }
    }
}

/// An error before the end must not leave a panel behind.
impl Drop for Progress {
    fn drop(&mut self) {
        self.voice.clear();
    }
}

/// In one piece, so that nothing flickers. Nothing can be said about a stderr that is gone.
fn show(text: &str) {
    if !text.is_empty() {
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

fn size() -> Size {
    terminal_size::terminal_size_of(io::stderr())
        .map_or(SIZE, |(columns, rows)| Size { columns: usize::from(columns.0), rows: usize::from(rows.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_replaces_the_rows_that_the_old_one_takes() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let mut screen = Screen::default();
        assert_eq!(screen.replace(Vec::new(), 80), "");
        assert_eq!(screen.replace(lines(&["twelve chars", ""]), 80), "twelve chars\n\n");
        assert_eq!(screen.replace(lines(&["a"]), 5), "\x1b[4A\r\x1b[Ja\n", "three rows and an empty one");
        assert_eq!(screen.replace(Vec::new(), 80), "\x1b[1A\r\x1b[J");
    }
}
