//! What an event, or a whole response, says.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::base::Nanos;
use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::text::{Literal, Text};
use crate::record::{ServerTimes, Usage};

/// Every event stands for itself.
#[derive(Default)]
pub(super) struct Read;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    content: Option<Literal<'a>>,
    /// The ids themselves are skipped: a list of nothings takes no memory.
    tokens: Option<Vec<IgnoredAny>>,
    stop: Option<bool>,
    /// `limit`, `eos` or `word`.
    stop_type: Option<Literal<'a>>,
    /// Of the whole prompt, those from the cache among them.
    tokens_evaluated: Option<u32>,
    tokens_predicted: Option<u32>,
    timings: Option<Timings>,
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Timings {
    cache_n: Option<u32>,
    prompt_ms: Option<f64>,
    predicted_ms: Option<f64>,
}

impl Reader for Read {
    const END: &'static str = "\"stop\": true";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        let chunk: Chunk<'_> = serde_json::from_str(document)?;
        if chunk.error.is_some() || chunk.content.is_none() {
            return Ok(false);
        }
        let content = chunk.content.unwrap_or_default();
        let ids = chunk.tokens.as_ref().and_then(|ids| u32::try_from(ids.len()).ok()).filter(|&ids| ids > 0);
        let ends = chunk.stop == Some(true);
        if ids.is_some() || !content.is_empty() {
            let text = Text::new(content, &[]);
            answer.speak(Tokens { text, visible: !content.is_empty(), count: ids }, sink);
        } else if !ends {
            sink(Event::Idle);
        }
        if ends {
            answer.end();
            if let Some(reason) = chunk.stop_type {
                answer.finish(&reason.text(), sink);
            }
            sum_up(&chunk, answer, sink);
        }
        Ok(true)
    }

    fn reset(&mut self) {}
}

fn sum_up(chunk: &Chunk<'_>, answer: &mut Answer, sink: &mut Sink<'_>) {
    let timings = chunk.timings.as_ref();
    let (prompt, output) = (chunk.tokens_evaluated, chunk.tokens_predicted);
    if prompt.or(output).is_some() {
        answer.count(Usage { prompt, output, cached: timings.and_then(|timings| timings.cache_n) }, sink);
    }
    if let Some(Timings { prompt_ms, predicted_ms, .. }) = timings {
        sink(Event::Times(ServerTimes {
            prefill: prompt_ms.map(Nanos::from_ms),
            decode: predicted_ms.map(Nanos::from_ms),
            ..ServerTimes::default()
        }));
    }
}
