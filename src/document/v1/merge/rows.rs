//! The rows of all shards in one order, and what only all of them together show.

use std::collections::BTreeMap;

use super::findings::{Joined, about, finding, findings};
use super::level::{merged, span, window};
use super::{MergeError, Shards};
use crate::base::Nanos;
use crate::document::v1::pool::Crowd;
use crate::document::v1::{FindingDocument, LevelDocument, RowDocument, RunDocument, WindowDocument};
use crate::metrics::{Fold, Frame};
use crate::record::{Phase, Row};
use crate::validity::Severity;

/// Where a row stands in its shard's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Position of the shard among `Shards::paths`.
    pub shard: usize,
    /// Bytes before it, and its own without the line end.
    pub offset: u64,
    pub length: u32,
}

/// Takes the rows of all shards twice: first `add`, which keeps some fifty bytes of each, then, in the order that `sort`
/// finds, `place` and `rewrite`. At the end `finish` has the document.
#[derive(Debug)]
pub struct Joiner<'a> {
    shards: &'a Shards,
    levels: Vec<Level>,
    /// Positions in `levels` by shard, round and label.
    known: BTreeMap<(usize, u32), BTreeMap<String, u32>>,
    rows: Vec<Entry>,
}

/// One level of one round.
#[derive(Debug)]
struct Level {
    round: u32,
    parts: Vec<(usize, LevelDocument)>,
    window: WindowDocument,
    /// Measured rows of each shard.
    seen: BTreeMap<usize, u64>,
    /// Measured rows that were not rewritten yet, and what those that were say. Rows come in the order of time, so few
    /// levels are folded at once.
    left: u64,
    fold: Option<Box<Fold>>,
    crowd: Option<Crowd>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When it was sent; when it was due or given up where it never was.
    at: Nanos,
    measured: bool,
    level: u32,
    index: u64,
    place: Place,
}

impl<'a> Joiner<'a> {
    pub fn new(shards: &'a Shards) -> Self {
        let mut known: BTreeMap<(usize, u32), BTreeMap<String, u32>> = BTreeMap::new();
        let mut levels = Vec::new();
        for (round, label) in shards.keys() {
            let level = Level::new(round, shards.level(round, &label), shards.planned(&label));
            for (shard, _) in &level.parts {
                known.entry((*shard, round)).or_default().insert(label.clone(), levels.len() as u32);
            }
            levels.push(level);
        }
        Self { shards, levels, known, rows: Vec::new() }
    }

    /// Notes a row; the error says what is wrong with its line.
    pub fn add(&mut self, place: Place, line: &str) -> Result<(), String> {
        let document = self.read(place, line)?;
        let row = document.row()?;
        let labels = self.known.get(&(place.shard, document.round));
        let Some(at) = labels.and_then(|labels| labels.get(&document.level)).copied() else {
            let label = document.level.escape_debug();
            return Err(format!("its result has no level {label} in round {}", document.round));
        };
        let level = &mut self.levels[at as usize];
        let measured = row.phase == Phase::Measure;
        if measured {
            *level.seen.entry(place.shard).or_default() += 1;
            level.left += 1;
        }
        self.rows.push(Entry {
            at: row.sent.or(row.due).unwrap_or(row.done),
            measured,
            level: at,
            index: row.index,
            place,
        });
        Ok(())
    }

    /// All rows are there: finds the order of sending. The error names a request that two shards sent.
    pub fn sort(&mut self) -> Result<(), MergeError> {
        self.rows.sort_unstable_by_key(|row| (row.measured, row.level, row.index, row.place));
        let twice = |pair: &&[Entry]| {
            let key = |row: &Entry| (row.measured, row.level, row.index);
            pair[0].measured && key(&pair[0]) == key(&pair[1])
        };
        if let Some(pair) = self.rows.windows(2).find(twice) {
            let level = &self.levels[pair[0].level as usize];
            let shard = |row: &Entry| self.shards.shards[row.place.shard].which;
            return Err(MergeError::Overlap {
                index: pair[0].index,
                label: level.parts[0].1.label.clone(),
                round: level.round,
                first: shard(&pair[0]),
                second: shard(&pair[1]),
            });
        }
        self.rows.sort_unstable_by_key(|row| (row.at, row.level, row.index, row.place));
        Ok(())
    }

    /// Where row number `at` of the order is; none beyond the last.
    pub fn place(&self, at: usize) -> Option<Place> {
        self.rows.get(at).map(|row| row.place)
    }

    /// The line of row number `at` on the merged result's clock, with its line end.
    pub fn rewrite(&mut self, at: usize, line: &str) -> Result<String, String> {
        let Entry { place, level, measured, .. } = self.rows[at];
        let document = self.read(place, line)?;
        if measured {
            self.levels[level as usize].fold(&document.row()?);
        }
        Ok(document.to_line())
    }

    /// The merged document; `tool` is the version that writes it.
    pub fn finish(self, tool: &str) -> RunDocument {
        let Self { shards, mut levels, known: _, rows: _ } = self;
        let mut notes = Vec::new();
        let mut whole = Vec::new();
        for level in &mut levels {
            let incomplete = level.incomplete(shards);
            let crowd = level.crowd.take().filter(|_| incomplete.is_none());
            let parts: Vec<&LevelDocument> = level.parts.iter().map(|(_, level)| level).collect();
            whole.extend(merged(&parts, level.window.clone(), crowd).map(|whole| (level.round, whole)));
            notes.extend(incomplete);
        }
        let joined: Vec<Joined<'_>> = levels
            .iter()
            .zip(&whole)
            .map(|(level, (round, whole))| Joined { round: *round, parts: &level.parts, whole })
            .collect();
        let findings = findings(shards, &joined, notes);
        RunDocument { findings, ..shards.document(tool, whole) }
    }

    /// The row on the merged result's clock.
    fn read(&self, place: Place, line: &str) -> Result<RowDocument, String> {
        let row: RowDocument = serde_json::from_str(line).map_err(|error| format!("not a row: {error}"))?;
        Ok(row.moved(self.shards.shards[place.shard].offset))
    }
}

impl Level {
    fn new(round: u32, parts: Vec<(usize, LevelDocument)>, planned: Option<f64>) -> Self {
        let levels: Vec<&LevelDocument> = parts.iter().map(|(_, level)| level).collect();
        let window = window(&levels, planned);
        Self { round, parts, window, seen: BTreeMap::new(), left: 0, fold: None, crowd: None }
    }

    /// Counts one measured row; with the last one the level's crowd is known.
    fn fold(&mut self, row: &Row) {
        let window = span(&self.window);
        // Latencies and goodput are those of the shards' histograms and counts; rows tell what happened at once.
        let frame = Frame { start: window.start, end: Some(window.end), open_loop: false, slos: Vec::new() };
        let mut fold = self.fold.take().unwrap_or_else(|| Box::new(Fold::new(frame)));
        fold.add(row);
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            self.fold = Some(fold);
        } else {
            self.crowd = Some(Crowd::from(&fold.finish(window)));
        }
    }

    /// A warning when a shard's file of requests does not hold the rows that its result counts.
    fn incomplete(&self, shards: &Shards) -> Option<FindingDocument> {
        let short: Vec<String> = self
            .parts
            .iter()
            .filter_map(|(at, part)| {
                let cut = part.cut();
                let (seen, all) = (self.seen.get(at).copied().unwrap_or(0), part.offered + cut);
                (seen != all).then(|| format!("{seen} of shard {}'s {all}", shards.shards[*at].which))
            })
            .collect();
        (!short.is_empty()).then(|| {
            let message = format!(
                "the files of requests hold {} requests, so steady state and course are not known and the peak is the sum of the shards' peaks",
                short.join(", ")
            );
            let hint = "put each shard's requests.jsonl beside its result";
            about(finding(Severity::Warning, "requests_file", message, hint), self.round, &self.parts[0].1.label)
        })
    }
}
