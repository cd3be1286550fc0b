//! What an event, or a whole response, says. Texts, ids and counts are running totals: only what was added is new.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::base::Nanos;
use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::text::{Literal, Text};
use crate::record::{Failure, FailureClass, ServerTimes, Usage};

/// The running totals of every choice.
#[derive(Default)]
pub(super) struct Read {
    choices: Vec<Choice>,
    prompt: Option<u32>,
    cached: Option<u32>,
}

struct Choice {
    index: u32,
    /// The inside of the literal that its text was last.
    text: String,
    tokens: u32,
    finished: bool,
}

/// As many as `OpenAI` allows; the bound keeps a hostile stream from growing us.
const CHOICES_MAX: usize = 128;

#[derive(Deserialize)]
struct Chunk<'a> {
    /// Which of several choices (`n`).
    index: Option<u32>,
    #[serde(borrow)]
    text: Option<Literal<'a>>,
    /// The ids themselves are skipped: a list of nothings takes no memory.
    output_ids: Option<Vec<IgnoredAny>>,
    meta_info: Option<MetaInfo<'a>>,
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MetaInfo<'a> {
    #[serde(borrow)]
    finish_reason: Option<FinishReason<'a>>,
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    cached_tokens: Option<u32>,
    /// Seconds.
    queue_time: Option<f64>,
    e2e_latency: Option<f64>,
    /// Seconds since 1970, by the server's clock.
    forward_entry_time: Option<f64>,
    prefill_finished_time: Option<f64>,
}

#[derive(Deserialize)]
struct FinishReason<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Literal<'a>>,
    /// Of an abort.
    message: Option<Literal<'a>>,
}

impl Reader for Read {
    const END: &'static str = "a finish reason for every choice";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        // Several choices without a stream come as a list.
        let chunks: Vec<Chunk<'_>> = if document.starts_with('[') {
            serde_json::from_str(document)?
        } else {
            vec![serde_json::from_str(document)?]
        };
        let foreign = |chunk: &Chunk<'_>| chunk.error.is_some() || chunk.meta_info.is_none();
        if chunks.is_empty() || chunks.iter().any(foreign) {
            return Ok(false);
        }
        for (at, chunk) in (0..).zip(&chunks) {
            self.chunk(chunk.index.unwrap_or(at), chunk, answer, sink);
        }
        Ok(true)
    }

    fn reset(&mut self) {
        self.choices.clear();
        (self.prompt, self.cached) = (None, None);
    }
}

impl Read {
    fn chunk(&mut self, index: u32, chunk: &Chunk<'_>, answer: &mut Answer, sink: &mut Sink<'_>) {
        let Some(meta) = &chunk.meta_info else { return };
        let Some(choice) = self.choice(index) else {
            let words = format!("more than {CHOICES_MAX} choices");
            return answer.fail(Failure::new(FailureClass::Malformed, words), sink);
        };
        if !choice.speak(chunk, meta, answer, sink) && meta.finish_reason.is_none() {
            sink(Event::Idle);
        }
        self.prompt = meta.prompt_tokens.or(self.prompt);
        self.cached = meta.cached_tokens.or(self.cached);
        let Some(FinishReason { kind, message }) = &meta.finish_reason else { return };
        if let Some(choice) = self.choice(index) {
            choice.finished = true;
        }
        // An abort says why.
        if let Some(message) = message.filter(|_| kind.is_some_and(|kind| kind.inside() == "abort")) {
            answer.fail(Failure::new(FailureClass::InStreamError, message.text()), sink);
        }
        if let Some(kind) = kind {
            answer.finish(&kind.text(), sink);
        }
        self.sum_up(meta, answer, sink);
    }

    /// A choice has finished: what all have come to, and where the time went.
    fn sum_up(&self, meta: &MetaInfo<'_>, answer: &mut Answer, sink: &mut Sink<'_>) {
        if self.choices.iter().all(|choice| choice.finished) {
            answer.end();
        }
        if meta.completion_tokens.is_some() {
            let output = self.choices.iter().map(|choice| choice.tokens).fold(0, u32::saturating_add);
            answer.count(Usage { prompt: self.prompt, output: Some(output), cached: self.cached }, sink);
        }
        let prefill = meta.prefill_finished_time.zip(meta.forward_entry_time);
        let times = ServerTimes {
            queue: meta.queue_time.map(Nanos::from_secs),
            load: None,
            prefill: prefill.map(|(end, start)| Nanos::from_secs((end - start).max(0.0))),
            decode: None,
            total: meta.e2e_latency.map(Nanos::from_secs),
        };
        if times != ServerTimes::default() {
            sink(Event::Times(times));
        }
    }

    /// The choice of an index, new or known; none beyond the bound.
    fn choice(&mut self, index: u32) -> Option<&mut Choice> {
        let known = self.choices.iter().position(|choice| choice.index == index);
        let at = known.unwrap_or(self.choices.len());
        if at == CHOICES_MAX {
            return None;
        }
        if known.is_none() {
            self.choices.push(Choice { index, text: String::new(), tokens: 0, finished: false });
        }
        self.choices.get_mut(at)
    }
}

impl Choice {
    /// The tokens that a chunk adds; false when it adds none.
    fn speak(
        &mut self,
        chunk: &Chunk<'_>,
        meta: &MetaInfo<'_>,
        answer: &mut Answer,
        sink: &mut Sink<'_>,
    ) -> bool {
        let count = meta.completion_tokens.map(|total| total.saturating_sub(self.tokens));
        let text = chunk.text.unwrap_or_default();
        // With --incremental-streaming-output ids and texts are pieces instead, and fewer than the count.
        let ids = chunk.output_ids.as_ref().map(Vec::len);
        let is_piece = ids.zip(meta.completion_tokens).is_some_and(|(ids, total)| ids < total as usize);
        let fresh = if is_piece { text } else { text.after(&self.text) };
        if !is_piece {
            self.text.clear();
            self.text.push_str(text.inside());
        }
        self.tokens = meta.completion_tokens.unwrap_or(self.tokens);
        let count = count.filter(|&count| count > 0);
        if count.is_none() && fresh.is_empty() {
            return false;
        }
        answer.speak(Tokens { text: Text::new(fresh, &[]), visible: !fresh.is_empty(), count }, sink);
        true
    }
}
