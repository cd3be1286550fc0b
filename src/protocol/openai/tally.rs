//! Who has spoken, who has finished, and how many tokens that was, when a server reports usage in its own way.
//!
//! Three ways are in use, and a stream may mix them:
//! - *Cumulative*: usage beside one unfinished choice is that choice's total so far (vLLM and `SGLang` with
//!   `continuous_usage_stats`; llama-server's completions and transformers, once, on the finish chunk). It replaces
//!   the choice's earlier total, and the rise is the chunk's own tokens. The stream's total is the sum over choices.
//! - *Closing*: usage without a choice (`choices: []`), or beside a choice that has finished before (`LiteLLM`), speaks for
//!   all that finished since the last closing usage. Each one that follows a finish of its own is added up
//!   (llama-server sends one per choice, each with only its own tokens); any other repeats or refines the one before it
//!   and replaces it. Closing usage wins over cumulative usage.
//! - *Silent*: `{0, 0, 0}` says nothing (Ollama) and does not reach this file.
//!
//! The prompt is one and the same for all choices, so its counts are never added up.

use crate::record::Usage;

#[derive(Debug, Default)]
pub(super) struct Tally {
    choices: Vec<Choice>,
    prompt: Option<u32>,
    cached: Option<u32>,
    /// Closing usages that are final, added up.
    closed: u32,
    /// The latest closing usage.
    closing: Option<u32>,
    /// Whether the latest closing usage followed a finish of its own.
    closing_is_own: bool,
    /// Whether a choice has finished since the latest closing usage.
    finished_since: bool,
}

#[derive(Debug)]
pub(super) struct Choice {
    index: u32,
    pub(super) finished: bool,
    /// Its latest cumulative usage.
    reported: Option<u32>,
    /// Tokens before the current chunk, as far as every chunk so far has said its own.
    before: Option<u32>,
}

impl Choice {
    /// Tokens that the chunk added, where cumulative usage tells: none when an earlier chunk kept its count to itself.
    pub(super) fn rise(&self, usage: Option<Usage>) -> Option<u32> {
        let rise = usage?.output?.checked_sub(self.before?)?;
        (rise > 0).then_some(rise)
    }

    /// Whether the server reports this choice's usage as it goes, instead of once at its end.
    pub(super) fn is_continuous(&self) -> bool {
        self.reported.is_some()
    }

    /// Books a chunk with tokens, `count` of them if that is known.
    pub(super) fn spoke(&mut self, count: Option<u32>) {
        self.before = self.before.zip(count).map(|(before, count)| before.saturating_add(count));
    }
}

impl Tally {
    /// As many as `OpenAI` allows; the bound keeps a hostile stream from growing us.
    pub(super) const CHOICES_MAX: usize = 128;

    /// The choice of an index, new or known; none beyond the bound.
    pub(super) fn choice(&mut self, index: u32) -> Option<&mut Choice> {
        let known = self.choices.iter().position(|choice| choice.index == index);
        let at = known.unwrap_or(self.choices.len());
        if at == Self::CHOICES_MAX {
            return None;
        }
        if known.is_none() {
            self.choices.push(Choice { index, finished: false, reported: None, before: Some(0) });
        }
        self.choices.get_mut(at)
    }

    /// Books a finish; false when the choice had finished before.
    pub(super) fn finish(&mut self, index: u32) -> bool {
        let fresh = self.choice(index).is_some_and(|choice| !std::mem::replace(&mut choice.finished, true));
        self.finished_since |= fresh;
        fresh
    }

    /// Books cumulative usage of one choice.
    pub(super) fn report(&mut self, index: u32, usage: Usage) {
        self.read_prompt(usage);
        if let (Some(choice), Some(output)) = (self.choice(index), usage.output) {
            choice.reported = Some(output);
            choice.before = Some(output);
        }
    }

    /// Books closing usage.
    pub(super) fn close(&mut self, usage: Usage) {
        self.read_prompt(usage);
        let Some(output) = usage.output else { return };
        let own = std::mem::take(&mut self.finished_since);
        if own && self.closing_is_own {
            self.closed = self.closed.saturating_add(self.closing.unwrap_or(0));
        }
        self.closing = Some(output);
        self.closing_is_own |= own;
    }

    /// Ready for another stream; the memory stays.
    pub(super) fn reset(&mut self) {
        let mut choices = std::mem::take(&mut self.choices);
        choices.clear();
        *self = Self { choices, ..Self::default() };
    }

    /// The counts as they stand.
    pub(super) fn usage(&self) -> Usage {
        let cumulative = self.choices.iter().filter_map(|choice| choice.reported);
        let closing = self.closing.map(|last| self.closed.saturating_add(last));
        Usage {
            prompt: self.prompt,
            output: closing.or_else(|| cumulative.reduce(u32::saturating_add)),
            cached: self.cached,
        }
    }

    /// Whether the answer is complete: every choice that was seen has finished, or, where the server names no finish
    /// reasons at all, closing usage came.
    pub(super) fn is_complete(&self) -> bool {
        if self.any_finished() {
            self.choices.iter().all(|choice| choice.finished)
        } else {
            self.closing.is_some()
        }
    }

    pub(super) fn any_finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finished)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.choices.capacity() * size_of::<Choice>()
    }

    fn read_prompt(&mut self, usage: Usage) {
        self.prompt = usage.prompt.or(self.prompt);
        self.cached = usage.cached.or(self.cached);
    }
}
