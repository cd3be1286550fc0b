//! What a comment says besides its document, and how much room there is.

/// What the document does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkdownOptions {
    /// In front of the headline, for example `Serving gate`.
    pub title: String,
    /// Tells this comment from others of the tool; without one the workload, model and hardware do.
    pub key: Option<String>,
    /// A command that repeats the measurement.
    pub reproduce: Option<String>,
    /// Container image of the tool: the command then runs in it.
    pub image: Option<String>,
    /// Under the headline, in this order.
    pub notes: Vec<Note>,
    /// Page of the job, its log and its files.
    pub run_url: Option<String>,
    pub limit: Limit,
}

/// Something to know before the numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub kind: NoteKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    Info,
    Warning,
}

/// How long a text may be. Each leaves room for what others add to ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Limit {
    /// 60,000 characters: GitHub takes comments of 65,536.
    #[default]
    Comment,
    /// 900 KiB: the runner takes summaries of 1 MiB, in bytes.
    Summary,
}

impl Limit {
    pub(super) fn max(self) -> usize {
        match self {
            Self::Comment => 60_000,
            Self::Summary => 900 << 10,
        }
    }

    /// The length of a text as this limit counts.
    pub(super) fn length(self, text: &str) -> usize {
        match self {
            Self::Comment => text.chars().count(),
            Self::Summary => text.len(),
        }
    }
}
