//! The rows of a level as they end: a line each for the reader, and what the numbers need of them. Nothing else is kept.

use std::mem::size_of;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::error::AppError;
use super::measure::{lost, spawn};
use crate::base::Nanos;
use crate::document::v1::RowDocument;
use crate::engine::Gauge;
use crate::host::{Journal, stand_back};
use crate::metrics::{Fold, Frame, SoFar, Summary, Window};
use crate::record::{Arm, Chunk, Outcome, Phase, Row, Slo};
use crate::workload::TokenCounter;

/// Answers may wait in as much memory for their tokens to be counted when nothing is being timed any more: some fifty
/// thousand of a hundred tokens each.
const WAITING_MAX: usize = 128 << 20;

/// What the recorder must know of its level.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub(super) round: u32,
    pub(super) label: String,
    /// Which of two servers, where two alternate.
    pub(super) arm: Option<Arm>,
    /// How long the window is planned to be, where time limits it.
    pub(super) length: Option<Nanos>,
    pub(super) open_loop: bool,
    pub(super) slos: Vec<Slo>,
    /// Name and objectives of each workload of a mix; empty where there is none.
    pub(super) mix: Vec<(String, Vec<Slo>)>,
    /// Whether answers are generated, so that they have output tokens.
    pub(super) generates: bool,
    /// Whether a tokenizer is to count what servers do not report.
    pub(super) count: bool,
}

/// A level's numbers, and what else became of its rows.
pub(super) struct Recorded {
    pub(super) summary: Summary,
    /// The end of what an onlooker saw.
    pub(super) so_far: SoFar,
    /// How the first measured request ended.
    pub(super) first: Option<Outcome>,
    /// Answers without usage for which there was no room to wait: their tokens are counted by chunks.
    pub(super) uncounted: u64,
    pub(super) journal: Option<Journal>,
}

/// A recorder on a thread of its own.
pub(super) struct Recorder {
    thread: JoinHandle<Desk>,
    view: Arc<View>,
}

/// What an onlooker has asked for and was given; written by the recorder alone, when it has a row in hand anyway.
#[derive(Default)]
struct View {
    wanted: AtomicBool,
    so_far: Mutex<SoFar>,
}

impl Recorder {
    /// Takes rows until the engine lets go of its end.
    pub(super) fn start(
        rows: Receiver<Row>,
        sheet: Sheet,
        journal: Option<Journal>,
        gauge: Gauge,
    ) -> Result<Self, AppError> {
        let view = Arc::new(View::default());
        let shown = Arc::clone(&view);
        let thread = spawn("record", move || {
            stand_back();
            let mut desk = Desk::new(sheet, journal, gauge);
            while let Some(row) = next_row(&rows, &mut desk) {
                desk.take(row);
                if shown.wanted.swap(false, Relaxed) {
                    *shown.so_far.lock().unwrap_or_else(PoisonError::into_inner) = desk.so_far();
                }
            }
            desk
        })?;
        Ok(Self { thread, view })
    }

    /// Asks what the rows say so far; the answer comes with the next row.
    pub(super) fn ask(&self) {
        self.view.wanted.store(true, Relaxed);
    }

    /// The last answer.
    pub(super) fn so_far(&self) -> SoFar {
        self.view.so_far.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The numbers of the window, once the engine has ended. Tokens that no server reported are counted now.
    pub(super) fn finish(self, counter: &TokenCounter, window: Window) -> Result<Recorded, AppError> {
        Ok(self.thread.join().map_err(|_| lost("recording rows"))?.finish(counter, window))
    }
}

/// The next row; while there is none, there is time to hand lines to the system. None once the engine has let go.
fn next_row(rows: &Receiver<Row>, desk: &mut Desk) -> Option<Row> {
    match rows.try_recv() {
        Ok(row) => Some(row),
        Err(TryRecvError::Disconnected) => None,
        Err(TryRecvError::Empty) => {
            if let Some(journal) = &mut desk.journal {
                journal.flush();
            }
            rows.recv().ok()
        }
    }
}

/// Where rows are worked off.
struct Desk {
    sheet: Sheet,
    journal: Option<Journal>,
    gauge: Gauge,
    /// None before the window.
    fold: Option<Folds>,
    first: Option<Outcome>,
    /// Answers whose tokens are to be counted, and the memory that is left for them.
    waiting: Vec<Row>,
    room: usize,
    uncounted: u64,
}

impl Desk {
    fn new(sheet: Sheet, journal: Option<Journal>, gauge: Gauge) -> Self {
        let (fold, first, waiting) = (None, None, Vec::new());
        Self { sheet, journal, gauge, fold, first, waiting, room: WAITING_MAX, uncounted: 0 }
    }

    fn take(&mut self, row: Row) {
        if row.phase != Phase::Measure {
            return;
        }
        if let Some(journal) = &mut self.journal {
            let line = RowDocument {
                arm: self.sheet.arm.map(|arm| arm.id().to_owned()),
                ..RowDocument::from_row(&row, self.sheet.round, &self.sheet.label)
            };
            journal.add(&line.to_line());
        }
        self.first.get_or_insert_with(|| row.outcome.clone());
        if self.sheet.count && row.usage.output.is_none() && !row.text.is_empty() {
            let bytes = size_of::<Row>() + row.text.capacity() + row.chunks.capacity() * size_of::<Chunk>();
            if let Some(room) = self.room.checked_sub(bytes) {
                self.room = room;
                return self.waiting.push(row);
            }
            // One that is smaller must not slip in later: the counted ones shall be the first.
            self.room = 0;
            self.uncounted += 1;
        }
        // The engine tells when the window began before it sends its first request.
        let start = self.gauge.began().or(row.due).or(row.sent).unwrap_or(row.done);
        let sheet = &self.sheet;
        self.fold.get_or_insert_with(|| sheet.fold(start)).add(&row);
    }

    fn so_far(&self) -> SoFar {
        self.fold.as_ref().map(|folds| folds.whole.so_far()).unwrap_or_default()
    }

    fn finish(self, counter: &TokenCounter, window: Window) -> Recorded {
        let Self { sheet, journal, gauge: _, fold, first, waiting, room: _, uncounted } = self;
        let mut fold = fold.unwrap_or_else(|| sheet.fold(window.start));
        for mut row in waiting {
            row.tokenizer_count = Some(counter.count(&row.text));
            fold.add(&row);
        }
        let so_far = fold.whole.so_far();
        let summary = fold.finish(window);
        let summary = if sheet.generates { summary } else { summary.without_output() };
        Recorded { summary, so_far, first, uncounted, journal }
    }
}

impl Sheet {
    fn fold(&self, start: Nanos) -> Folds {
        let end = self.length.map(|length| start + length);
        let fold =
            |slos: &Vec<Slo>| Fold::new(Frame { start, end, open_loop: self.open_loop, slos: slos.clone() });
        let parts = self.mix.iter().map(|(name, slos)| (name.clone(), fold(slos))).collect();
        Folds { whole: fold(&self.slos), parts }
    }
}

/// The level as a whole, and each workload of its mix.
struct Folds {
    whole: Fold,
    parts: Vec<(String, Fold)>,
}

impl Folds {
    fn add(&mut self, row: &Row) {
        self.whole.add(row);
        if let Some((_, part)) = self.parts.get_mut(usize::from(row.part)) {
            part.add(row);
        }
    }

    fn finish(self, window: Window) -> Summary {
        let Self { whole, parts } = self;
        // The whole level shows its course and examples of its requests.
        let alone = |fold: Fold| Summary { series: None, points: Vec::new(), ..fold.finish(window) };
        let parts = parts.into_iter().map(|(name, fold)| (name, alone(fold))).collect();
        Summary { parts, ..whole.finish(window) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Ask, Failure, FailureClass, TokenSource};

    fn desk(length: Option<Nanos>) -> Desk {
        let gauge = Gauge::default();
        gauge.begin(Nanos::from_ms(100.0));
        let sheet = Sheet {
            arm: None,
            round: 1,
            label: "c=1".to_owned(),
            length,
            open_loop: false,
            slos: Vec::new(),
            mix: ["chat", "rag"].map(|name| (name.to_owned(), Vec::new())).into(),
            generates: true,
            count: true,
        };
        Desk::new(sheet, None, gauge)
    }

    /// An answer in three chunks of two words each, the last at 130 ms.
    fn row(index: u64, phase: Phase) -> Row {
        let at = |ms: f64| Chunk { at: Nanos::from_ms(ms), tokens: None };
        Row {
            sent: Some(Nanos::from_ms(100.0)),
            chunks: vec![at(110.0), at(120.0), at(130.0)],
            streamed: true,
            text: "one two three four five six".to_owned(),
            ..Row::unsent(
                &Ask::plain(index, String::new()),
                phase,
                None,
                Nanos::from_ms(130.0),
                Outcome::Success,
            )
        }
    }

    fn finish(desk: Desk, end: f64) -> Recorded {
        let window = Window { start: Nanos::from_ms(100.0), end: Nanos::from_ms(end) };
        desk.finish(&TokenCounter::Words, window)
    }

    #[test]
    fn answers_wait_to_be_counted_while_there_is_room() {
        let mut desk = desk(None);
        let size = size_of::<Row>() + row(0, Phase::Measure).text.capacity() + 3 * size_of::<Chunk>();
        desk.room = 2 * size + size / 2;
        for index in 0..3 {
            desk.take(row(index, Phase::Measure));
        }
        let tokens = |recorded: &Recorded| {
            (recorded.summary.tokens.output, recorded.summary.tokens.source, recorded.uncounted)
        };
        assert_eq!(tokens(&finish(desk, 130.0)), (6 + 6 + 3, TokenSource::Chunks, 1));

        let mut counted = self::desk(None);
        counted.take(row(0, Phase::Measure));
        assert_eq!(tokens(&finish(counted, 130.0)), (6, TokenSource::Tokenizer, 0));
    }

    #[test]
    fn what_comes_after_the_planned_end_is_not_counted() {
        let mut desk = desk(Some(Nanos::from_ms(25.0)));
        desk.take(row(0, Phase::Measure));
        let series = finish(desk, 125.0).summary.series.unwrap();
        assert_eq!(series.slices.iter().map(|slice| slice.output_tokens as u64).sum::<u64>(), 4);
    }

    #[test]
    fn the_first_measured_request_is_remembered_and_warm_up_is_not() {
        let mut desk = desk(None);
        let refused = Outcome::Failed(Failure::new(FailureClass::Http4xx, "no"));
        desk.take(row(0, Phase::Warmup));
        desk.take(Row { outcome: refused.clone(), ..row(0, Phase::Measure) });
        desk.take(row(1, Phase::Measure));
        let recorded = finish(desk, 130.0);
        assert_eq!((recorded.first, recorded.summary.offered), (Some(refused), 2));
    }

    #[test]
    fn the_workloads_of_a_mix_add_up_to_the_whole() {
        let mut desk = desk(None);
        for index in 0..5 {
            desk.take(Row { part: u16::from(index >= 3), ..row(index, Phase::Measure) });
        }
        let summary = finish(desk, 130.0).summary;
        let parts: Vec<(&str, u64, u64)> = summary
            .parts
            .iter()
            .map(|(name, part)| (name.as_str(), part.offered, part.tokens.output))
            .collect();
        assert_eq!(parts, [("chat", 3, 18), ("rag", 2, 12)]);
        assert_eq!((summary.offered, summary.tokens.output), (5, 30));
    }

    #[test]
    fn a_level_without_any_request_has_a_summary_of_nothing() {
        assert_eq!(finish(desk(None), 100.0).summary.offered, 0);
    }
}
