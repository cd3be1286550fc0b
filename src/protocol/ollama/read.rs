//! What a line, or a whole response, says.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::Nanos;
use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::text::{Literal, Text};
use crate::record::{Failure, FailureClass, ServerTimes, Usage};

/// Every line stands for itself.
#[derive(Default)]
pub(super) struct Read;

#[derive(Deserialize)]
struct Line<'a> {
    /// Chat.
    #[serde(borrow)]
    message: Option<Message<'a>>,
    /// Generate.
    response: Option<Literal<'a>>,
    thinking: Option<Literal<'a>>,
    done: Option<bool>,
    done_reason: Option<Literal<'a>>,
    error: Option<&'a RawValue>,
    // On the last line. Durations are nanoseconds; whatever is 0 is left out.
    total_duration: Option<u64>,
    load_duration: Option<u64>,
    prompt_eval_count: Option<u32>,
    prompt_eval_duration: Option<u64>,
    eval_count: Option<u32>,
    eval_duration: Option<u64>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Literal<'a>>,
    thinking: Option<Literal<'a>>,
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Literal<'a>>,
    /// An object, not a text as elsewhere.
    arguments: Option<&'a RawValue>,
}

impl Reader for Read {
    const END: &'static str = "a line that is done";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        let line: Line<'_> = serde_json::from_str(document)?;
        if line.error.is_some() || (line.message.is_none() && line.response.is_none() && line.done.is_none())
        {
            return Ok(false);
        }
        let done = line.done == Some(true);
        if !spoken(&line, answer, sink) && !done {
            sink(Event::Idle);
        }
        if done {
            end(&line, answer, sink);
        }
        Ok(true)
    }

    fn reset(&mut self) {}
}

/// The tokens of a line, hidden part first; false when there are none.
fn spoken(line: &Line<'_>, answer: &mut Answer, sink: &mut Sink<'_>) -> bool {
    let Line { message, response, thinking, .. } = line;
    let message = message.as_ref();
    let calls = message.and_then(|message| message.tool_calls.as_deref()).unwrap_or_default();
    let functions = || calls.iter().filter_map(|call| call.function.as_ref());
    // Arguments become text by being escaped once more, into memory of their own.
    let mut scratches = vec![String::new(); functions().count()];
    let mut literals: Vec<Literal<'_>> = Vec::new();
    literals.extend(thinking.or(message.and_then(|message| message.thinking)));
    for (Function { name, arguments }, scratch) in functions().zip(&mut scratches) {
        literals.extend(*name);
        literals.extend(arguments.map(|arguments| Literal::of(arguments.get(), scratch)));
    }
    let content = response.or(message.and_then(|message| message.content));
    literals.extend(content);
    literals.retain(|literal| !literal.is_empty());
    let Some((first, rest)) = literals.split_first() else { return false };
    let visible = content.is_some_and(|content| !content.is_empty());
    answer.speak(Tokens { text: Text::new(*first, rest), visible, count: None }, sink);
    true
}

/// The last line: why it ended, what it counted and where the time went.
fn end(line: &Line<'_>, answer: &mut Answer, sink: &mut Sink<'_>) {
    answer.end();
    if let Some(reason) = line.done_reason.filter(|reason| !reason.is_empty()).map(Literal::text) {
        if matches!(reason.as_ref(), "load" | "unload") && !answer.has_spoken() {
            let words = format!("no tokens: the server only did what it calls '{reason}'");
            answer.fail(Failure::new(FailureClass::Malformed, words), sink);
        }
        answer.finish(&reason, sink);
    }
    let Line { total_duration, load_duration, prompt_eval_count, prompt_eval_duration, eval_count, .. } =
        line;
    // Servers that only look like Ollama have no sums at all; to Ollama itself a missing count is 0.
    if total_duration.is_none() && prompt_eval_count.is_none() && eval_count.is_none() {
        return;
    }
    answer.count(
        Usage {
            prompt: Some(prompt_eval_count.unwrap_or(0)),
            output: Some(eval_count.unwrap_or(0)),
            cached: None,
        },
        sink,
    );
    sink(Event::Times(ServerTimes {
        queue: None,
        load: load_duration.map(Nanos),
        prefill: prompt_eval_duration.map(Nanos),
        decode: line.eval_duration.map(Nanos),
        total: total_duration.map(Nanos),
    }));
}
