//! What requests carry: lengths, prompts, what they share, conversations, users who leave, models.

use super::{DataFile, Lengths, Pause, TraceFile};
use crate::record::Cancel;

/// What the requests carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Tokens of a synthetic prompt, or of each turn of a synthetic conversation.
    pub input: Lengths,
    /// None leaves the length to the server.
    pub output: Option<Lengths>,
    pub dataset: Dataset,
    /// Ask engines that know `ignore_eos` to produce exactly the asked length.
    pub ignore_eos: bool,
    pub cache: CacheLabel,
    /// Beginnings that requests share.
    pub prefix: Option<Prefix>,
    /// Different prompts in all, which later requests repeat; none: no prompt comes twice, or every row of a file comes.
    pub distinct: Option<u64>,
    pub conversation: Option<Conversation>,
    pub cancel: Option<Cancelling>,
    /// Models or adapters by weight; empty asks for the run's.
    pub models: Vec<Weighted>,
}

impl Workload {
    /// Synthetic prompts, none like another, and nothing else.
    pub fn synthetic(input: Lengths, output: Option<Lengths>) -> Self {
        Self {
            input,
            output,
            dataset: Dataset::Synthetic,
            ignore_eos: true,
            cache: CacheLabel::Cold,
            prefix: None,
            distinct: None,
            conversation: None,
            cancel: None,
            models: Vec::new(),
        }
    }
}

/// Where prompts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dataset {
    /// Seeded words, exact in length, unique from their first token on.
    Synthetic,
    /// Lines of verse, exact in length.
    Sonnet,
    /// Rows of a file, shuffled by the seed.
    File(DataFile),
    /// The trace that the load replays: its lengths, its shared beginnings, its texts where it has them.
    Trace(TraceFile),
}

/// What the prompts mean for a prefix cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheLabel {
    /// Every prompt is unique from its first token.
    Cold,
    /// What repeats was sent before, during warm-up.
    Warm,
    /// Prompts or their beginnings repeat as they come.
    Mixed,
}

impl CacheLabel {
    pub fn id(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Mixed => "mixed",
        }
    }
}

/// Groups of requests that begin alike. Each request's own tokens come after its group's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// At least 1.
    pub tokens: u32,
    /// At least 1.
    pub groups: u32,
}

/// Visits of several turns, each sent with everything that was said before.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Requests of a visit; none takes a file's conversations as long as they are.
    pub turns: Option<Lengths>,
    /// Pause before every turn but the first; none takes a file's own, or no time at all.
    pub think: Option<Pause>,
}

/// Users who go away before their answer is complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cancelling {
    /// Share of requests, 0..=1.
    pub share: f64,
    pub after: Cancel,
}

/// A name and how often it is drawn in comparison with others. Invariant: the weight is finite and above zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    pub name: String,
    pub weight: f64,
}
