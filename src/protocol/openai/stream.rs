//! What the events of a streamed completion mean.

use super::tally::Tally;
use super::template::{Plain, Templates};
use super::wire::{Choice, Chunk, Few};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::errors;
use crate::protocol::stream::{Log, Reader, Standing};
use crate::protocol::text::Text;
use crate::protocol::usage::WireUsage;
use crate::record::{Failure, FailureClass, Usage};

/// What the events have said so far.
#[derive(Default)]
pub(super) struct Chunks {
    templates: Templates,
    tally: Tally,
}

impl Reader for Chunks {
    fn event(&mut self, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.repeat(data, log, sink) {
            self.data(data, log, sink);
        }
    }

    fn standing(&self, log: &Log) -> Standing {
        let finished = self.tally.any_finished();
        if finished && !self.tally.is_complete() {
            Standing::Open("the stream ended before every choice had finished")
        } else if log.is_done() || self.tally.is_complete() {
            Standing::Complete { counted: finished && self.tally.usage().output.is_some() }
        } else {
            Standing::Open("the stream ended without a finish reason, usage or [DONE]")
        }
    }

    fn is_whole(document: &[u8]) -> bool {
        serde_json::from_slice::<Chunk<'_>>(document).is_ok_and(|chunk| chunk.choices.is_some())
    }

    fn reset(&mut self) {
        let Self { templates, tally } = self;
        templates.reset();
        tally.reset();
    }
}

impl Chunks {
    /// Reads a chunk that differs from an earlier one only in its text, just as `data` would; false when it does not.
    fn repeat(&mut self, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some(Plain { index, visible, text }) = self.templates.read(data) else {
            return false;
        };
        let Some(choice) = self.tally.choice(index) else {
            return false;
        };
        choice.spoke(None);
        log.spoke();
        sink(Event::Tokens(Tokens { text: Text::new(text, &[]), visible, count: None }));
        true
    }

    fn data(&mut self, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        let Ok(text) = std::str::from_utf8(data) else {
            // The standard asks for U+FFFD in place of bytes that are not UTF-8.
            return self.data(String::from_utf8_lossy(data).as_bytes(), log, sink);
        };
        match serde_json::from_str::<Chunk<'_>>(text) {
            Ok(chunk) if chunk.error.is_some() => log.fail(errors::in_stream(data), sink),
            Ok(chunk) if chunk.choices.is_none() && chunk.usage.is_none() => match errors::document(data) {
                Some(words) => log.fail(Failure::new(FailureClass::InStreamError, words), sink),
                None => sink(Event::Idle),
            },
            Ok(chunk) => {
                self.chunk(&chunk, log, sink);
                if let Some(plain) = chunk.plain() {
                    self.templates.learn(data, plain);
                }
            }
            Err(error) => log.broken(&error, data, sink),
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        let usage = chunk.usage.as_ref().and_then(WireUsage::counts);
        let lone = chunk.choices.as_ref().is_some_and(|choices| choices.len() == 1);
        let mut closing = usage.filter(|_| !lone);
        let choices = || chunk.choices.iter().flat_map(Few::iter);
        // None of several choices has usage of its own, so text and ids tell whether there are tokens at all.
        if !lone && !choices().any(Choice::speaks) {
            sink(Event::Idle);
        }
        for choice in choices() {
            let own_usage = usage.filter(|_| lone);
            let Some(state) = self.tally.choice(choice.index()) else {
                let words = format!("more than {} choices", Tally::CHOICES_MAX);
                return log.fail(Failure::new(FailureClass::Malformed, words), sink);
            };
            let cumulative = own_usage.filter(|_| !state.finished);
            if cumulative.is_none() {
                closing = closing.or(own_usage);
            }
            if !self.tokens(choice, cumulative, log, sink) && lone {
                sink(Event::Idle);
            }
            self.book(choice, cumulative, log, sink);
        }
        if let Some(usage) = closing {
            self.tally.close(usage);
        }
        if usage.is_some() {
            sink(Event::Usage(self.tally.usage()));
        }
        if let Some(timings) = &chunk.timings {
            sink(Event::Times(timings.times()));
        }
    }

    /// The tokens of one choice of a chunk, with the usage that speaks for it alone; false when there are none.
    fn tokens(
        &mut self,
        choice: &Choice<'_>,
        usage: Option<Usage>,
        log: &mut Log,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> bool {
        let Some(state) = self.tally.choice(choice.index()) else {
            return false;
        };
        let (said, ids, rise) = (choice.said(), choice.ids(), state.rise(usage));
        // A token may have no text of its own (part of a character, a special token). But usage that first comes with the
        // finish and no text counts what earlier chunks brought, or kept to themselves: it marks no arrival.
        let textless = ids.or(rise.filter(|_| choice.finish().is_none() || state.is_continuous()));
        if said.is_empty() && textless.is_none() {
            return false;
        }
        let count = ids.or(rise);
        state.spoke(count);
        log.spoke();
        sink(Event::Tokens(said.tokens(count)));
        true
    }

    /// What else one choice of a chunk says: how many tokens it has by now, and that it has finished.
    fn book(
        &mut self,
        choice: &Choice<'_>,
        usage: Option<Usage>,
        log: &mut Log,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        if let Some(usage) = usage {
            self.tally.report(choice.index(), usage);
        }
        if let Some(reason) = choice.finish()
            && self.tally.finish(choice.index())
        {
            if let Some(failure) = errors::finish_reason(&reason) {
                log.fail(failure, sink);
            }
            sink(Event::Finish(&reason));
        }
    }
}

#[cfg(test)]
impl Chunks {
    /// A reader that parses every chunk.
    pub(super) fn without_templates() -> Self {
        Self { templates: Templates::none(), ..Self::default() }
    }

    /// Whether a chunk would be read without parsing it.
    pub(super) fn knows(&self, data: &[u8]) -> bool {
        self.templates.read(data).is_some()
    }

    /// Bytes of memory behind it.
    pub(super) fn held(&self) -> usize {
        self.templates.held() + self.tally.held()
    }
}
