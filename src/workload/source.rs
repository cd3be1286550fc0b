//! Where asks come from: the parts of a run with their laws, words and rows, read once and drawn from for every level.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::datasets::{DatasetError, Place, Problem, Records, text};
use super::lengths::Law;
use super::sonnet::Sonnets;
use super::{
    CacheLabel, Dataset, Part, Servers, SyntheticPrompts, TokenCounter, TokenizerError, Trace, TraceError,
    Workload,
};
use crate::base::Seed;
use crate::record::Slo;

/// More turns than any user has in one sitting; indices of requests leave room for them.
pub const TURNS_MAX: u32 = 1_000;

/// What a run can ask. Cheap to clone; levels draw from it with seeds of their own.
#[derive(Debug, Clone)]
pub struct Source {
    pub(super) parts: Arc<[Stock]>,
    pub(super) servers: Servers,
    /// Indices that every visit takes up: the most turns that one can have.
    pub(super) stride: u64,
}

/// A source that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    TraceFile(DatasetError),
    #[error("{}: {error}", path.display())]
    Trace { path: PathBuf, error: TraceError },
}

/// One part with everything that its asks are made of.
#[derive(Debug, Clone)]
pub(super) struct Stock {
    pub(super) part: Part,
    pub(super) texts: Texts,
    pub(super) input: Law,
    pub(super) output: Option<Law>,
    pub(super) turns: Option<Law>,
    pub(super) slos: Option<Arc<[Slo]>>,
    pub(super) body: Option<Arc<str>>,
    pub(super) models: Vec<(Arc<str>, f64)>,
}

/// Where the words come from.
#[derive(Debug, Clone)]
pub(super) enum Texts {
    Words(SyntheticPrompts),
    Verse(Sonnets),
    /// Rows, and words for the prefixes that may stand before them.
    Rows {
        records: Records,
        words: Option<SyntheticPrompts>,
    },
    /// A recorded trace, and words for the lengths that it holds.
    Trace {
        trace: Trace,
        words: SyntheticPrompts,
    },
}

impl Source {
    /// Reads and counts what the parts need; `read` fetches files.
    pub fn new(
        parts: &[Part],
        servers: Servers,
        counter: &TokenCounter,
        read: impl Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, SourceError> {
        let mixed = parts.len() > 1;
        let stocks: Vec<Stock> =
            parts.iter().map(|part| stock(part, mixed, counter, &read)).collect::<Result<_, _>>()?;
        let stride = stocks.iter().map(Stock::longest).max().unwrap_or(1);
        Ok(Self { parts: stocks.into(), servers, stride: u64::from(stride) })
    }

    /// A single part and a single server.
    pub fn of(workload: &Workload, counter: &TokenCounter) -> Result<Self, SourceError> {
        let part = Part::only("default", workload.clone(), Vec::new());
        Self::new(&[part], Servers::ONE, counter, |_| Err("no files here".to_owned()))
    }

    /// The same source with one of its parts alone.
    #[must_use]
    pub fn only(&self, part: usize) -> Self {
        let parts =
            self.parts.get(part).map_or_else(|| Arc::clone(&self.parts), |stock| [stock.clone()].into());
        Self { parts, ..self.clone() }
    }

    /// The same source whose first request goes to another server.
    #[must_use]
    pub fn starting_at(&self, server: u16) -> Self {
        Self { servers: Servers { first: server, ..self.servers }, ..self.clone() }
    }

    /// Indices that a visit takes up: request `index` is turn `index % stride` of visit `index / stride`.
    pub fn stride(&self) -> u64 {
        self.stride
    }

    /// A sentence about each file: what was found in it and what was left out.
    pub fn notes(&self) -> Vec<String> {
        let note = |stock: &Stock| match (&stock.part.workload.dataset, &stock.texts) {
            (Dataset::File(file), Texts::Rows { records, .. }) => {
                let count = records.records().len();
                let noun = if records.longest() > 1 { "conversations" } else { "requests" };
                let left = match records.left_out {
                    0 => String::new(),
                    rows => format!(", {rows} rows left out"),
                };
                Some(format!("data: {} holds {count} {noun} ({}){left}", file.path.display(), records.shape))
            }
            (_, Texts::Trace { trace, .. }) => Some(format!("replaying {}", trace.describe())),
            _ => None,
        };
        self.parts.iter().filter_map(note).collect()
    }

    /// The trace that paces the run; such a run has one part.
    pub(super) fn trace(&self) -> Option<(&Trace, &SyntheticPrompts)> {
        match &self.parts.first()?.texts {
            Texts::Trace { trace, words } => Some((trace, words)),
            Texts::Words(_) | Texts::Verse(_) | Texts::Rows { .. } => None,
        }
    }
}

fn stock(
    part: &Part,
    mixed: bool,
    counter: &TokenCounter,
    read: &impl Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Stock, SourceError> {
    let Part { name: _, weight: _, workload, slos, body } = part;
    let law = |lengths: &super::Lengths| lengths.law(read);
    let turns = workload.conversation.as_ref().and_then(|talk| talk.turns.as_ref());
    Ok(Stock {
        part: part.clone(),
        texts: texts(workload, counter, read)?,
        input: law(&workload.input)?,
        output: workload.output.as_ref().map(law).transpose()?,
        turns: turns.map(law).transpose()?,
        // Outside a mix the run's own limits hold for every request.
        slos: (mixed && !slos.is_empty()).then(|| slos.clone().into()),
        body: body.as_deref().map(Arc::from),
        models: workload.models.iter().map(|model| (model.name.as_str().into(), model.weight)).collect(),
    })
}

fn texts(
    workload: &Workload,
    counter: &TokenCounter,
    read: &impl Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Texts, SourceError> {
    // The seed is the level's: branches are taken from these words when asks are drawn.
    let words = || SyntheticPrompts::new(counter, Seed(0));
    let fetch = |path: &Path| {
        let problem = |reason| Problem::Read { reason };
        read(path).map_err(|why| DatasetError {
            path: path.to_owned(),
            place: Place::File,
            problem: problem(why),
        })
    };
    match &workload.dataset {
        Dataset::Synthetic => Ok(Texts::Words(words()?)),
        Dataset::Sonnet => Ok(Texts::Verse(Sonnets::new(counter, words()?)?)),
        Dataset::File(file) => {
            let records = Records::read(fetch(&file.path)?, file, workload.conversation.is_some(), counter)?;
            Ok(Texts::Rows { records, words: workload.prefix.map(|_| words()).transpose()? })
        }
        Dataset::Trace(file) => {
            let bytes = fetch(&file.path).map_err(SourceError::TraceFile)?;
            let at = |(place, problem)| DatasetError { path: file.path.clone(), place, problem };
            let trace =
                Trace::parse(text(&bytes).map_err(|wrong| SourceError::TraceFile(at(wrong)))?, file, counter)
                    .map_err(|error| SourceError::Trace { path: file.path.clone(), error })?;
            Ok(Texts::Trace { trace, words: words()? })
        }
    }
}

impl Stock {
    /// Most turns of one visit.
    fn longest(&self) -> u32 {
        let drawn = self.turns.as_ref().map(|law| law.most().min(TURNS_MAX));
        match &self.texts {
            Texts::Rows { records, .. } => records.longest().min(drawn.unwrap_or(u32::MAX)),
            Texts::Words(_) | Texts::Verse(_) => drawn.unwrap_or(1),
            Texts::Trace { .. } => 1,
        }
    }

    /// Requests that the warm-up must send so that the rest finds what it repeats; 0 where nothing is promised.
    /// `visits` are those of the level, where their number is known.
    pub(super) fn warm_set(&self, visits: Option<u64>) -> u64 {
        let workload = &self.part.workload;
        if workload.cache != CacheLabel::Warm {
            return 0;
        }
        let distinct = workload.distinct.unwrap_or(u64::MAX);
        match (&workload.prefix, &self.texts) {
            (Some(prefix), _) => u64::from(prefix.groups),
            (None, Texts::Rows { records, .. }) => {
                (records.records().len() as u64).min(distinct).min(visits.unwrap_or(u64::MAX))
            }
            (None, Texts::Words(_) | Texts::Verse(_)) => workload.distinct.unwrap_or(0),
            (None, Texts::Trace { .. }) => 0,
        }
    }
}
