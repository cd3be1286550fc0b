//! How the engines' own APIs are read. A frame cuts the body into documents (server-sent events, lines, one for all), a
//! reader says what a document means, and the answer keeps what that comes to.

mod events;
mod lines;
mod reading;
mod whole;

use super::codec::{Event, Tokens};
use super::errors;
use super::stream::cut;
use crate::record::{Failure, FailureClass, Usage};

pub(super) use events::Events;
pub(super) use lines::Lines;
pub(super) use whole::whole;

/// Where events go.
pub(super) type Sink<'a> = dyn FnMut(Event<'_>) + 'a;

/// One API's documents: the chunks of a stream and its response without one.
pub(super) trait Reader: Default + Send {
    /// What a body lacks that was cut before its proper end, for example `done`.
    const END: &'static str;

    /// Reads one document. False where it holds nothing of this API, an error document for example; an error where it
    /// is not JSON of the API's shape.
    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool>;

    /// Ready for another response.
    fn reset(&mut self);
}

/// What a response has said so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    progress: Progress,
    /// The server counted at least one output token.
    counted: bool,
    ended: bool,
    /// The first thing that went wrong.
    failure: Option<Failure>,
}

/// How far a response got.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    #[default]
    Nothing,
    /// A document came.
    Began,
    /// One with tokens came.
    Spoke,
}

impl Answer {
    /// Anything of the body came.
    pub(super) fn begin(&mut self) {
        self.progress = self.progress.max(Progress::Began);
    }

    pub(super) fn speak(&mut self, tokens: Tokens<'_>, sink: &mut Sink<'_>) {
        self.progress = Progress::Spoke;
        sink(Event::Tokens(tokens));
    }

    /// Whether any token came.
    pub(super) fn has_spoken(&self) -> bool {
        self.progress == Progress::Spoke
    }

    pub(super) fn count(&mut self, usage: Usage, sink: &mut Sink<'_>) {
        self.counted |= usage.output.is_some_and(|output| output > 0);
        sink(Event::Usage(usage));
    }

    /// The API's own proper end; whether tokens came before it is another matter.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// A finish reason, by which some servers say that they gave up.
    pub(super) fn finish(&mut self, reason: &str, sink: &mut Sink<'_>) {
        if let Some(failure) = errors::finish_reason(reason) {
            self.fail(failure, sink);
        }
        sink(Event::Finish(reason));
    }

    pub(super) fn fail(&mut self, failure: Failure, sink: &mut Sink<'_>) {
        self.failure.get_or_insert_with(|| failure.clone());
        sink(Event::Error(failure));
    }

    /// How the response stands when its body has ended or, where that is not `clean`, was cut. `lacking` is what a body
    /// without its proper end lacks.
    pub(super) fn verdict(&self, clean: bool, lacking: &str) -> Result<(), Failure> {
        let (class, words) = match &self.failure {
            Some(failure) => return Err(failure.clone()),
            None if !clean => return Err(cut()),
            None if self.progress == Progress::Nothing => {
                (FailureClass::Malformed, "empty response".to_owned())
            }
            None if !self.ended => (FailureClass::Truncated, format!("the stream ended without {lacking}")),
            None if self.progress < Progress::Spoke && !self.counted => {
                (FailureClass::Malformed, "no tokens".to_owned())
            }
            None => return Ok(()),
        };
        Err(Failure::new(class, words))
    }
}
