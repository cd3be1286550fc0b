//! One line of `requests.jsonl`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::millis;
use crate::base::Nanos;
use crate::record::{Chunk, Outcome, Phase, Row, ServerTimes, Usage};

/// One request. Instants are in milliseconds since the run's start; `chunk_ms`, `ttft_ms` and `e2e_ms` since `sent_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowDocument {
    pub index: u64,
    pub round: u32,
    pub level: String,
    /// `baseline` or `candidate` where rounds of two servers alternate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// `warmup` or `measure`.
    pub phase: String,
    pub due_ms: Option<f64>,
    pub sent_ms: Option<f64>,
    pub ttft_ms: Option<f64>,
    pub e2e_ms: Option<f64>,
    pub done_ms: f64,
    pub chunk_ms: Vec<f64>,
    /// Tokens per chunk, where they are known and not all one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_tokens: Option<Vec<u32>>,
    pub tokens: TokenCounts,
    /// Where the server says that the time went, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ms: Option<ServerMs>,
    pub finish_reason: Option<String>,
    /// `success`, or the class of the failure.
    pub outcome: String,
    pub status: Option<u16>,
    pub detail: Option<String>,
    pub reconnects: u32,
}

impl ServerMs {
    /// The times, to the microsecond that the file keeps.
    pub(super) fn times(&self) -> ServerTimes {
        let Self { queue, load, prefill, decode, total } = self;
        let span = |ms: &Option<f64>| ms.map(Nanos::from_ms);
        ServerTimes {
            queue: span(queue),
            load: span(load),
            prefill: span(prefill),
            decode: span(decode),
            total: span(total),
        }
    }
}

/// Tokens asked for and got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCounts {
    pub prompt_asked: Option<u32>,
    pub prompt: Option<u32>,
    pub cached: Option<u32>,
    pub output_asked: Option<u32>,
    pub output: u32,
    /// Where `output` comes from: `usage`, `tokenizer` or `chunks`.
    pub source: String,
}

/// What the server says of itself, in milliseconds; what it does not say is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerMs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
}

impl From<ServerTimes> for ServerMs {
    fn from(times: ServerTimes) -> Self {
        let ServerTimes { queue, load, prefill, decode, total } = times;
        let ms = |span: Option<Nanos>| span.map(|span| millis(span.ms()));
        Self { queue: ms(queue), load: ms(load), prefill: ms(prefill), decode: ms(decode), total: ms(total) }
    }
}

impl RowDocument {
    pub fn from_row(row: &Row, round: u32, level_label: &str) -> Self {
        let (output, source) = row.output_tokens();
        let Row {
            index,
            part: _,
            turn: _,
            server: _,
            phase,
            due,
            sent,
            headers: _,
            chunks,
            first_visible: _,
            done,
            streamed,
            prompt_tokens_asked,
            output_tokens_asked,
            usage: Usage { prompt, output: _, cached },
            server_times,
            tokenizer_count: _,
            text: _,
            finish_reason,
            reconnects,
            slos: _,
            outcome,
        } = row;
        let since_sent = |at: Nanos| sent.map(|sent| millis((at - sent).ms()));
        let (first, last) = (chunks.first(), chunks.last());
        let (outcome, status, detail) = words(outcome);
        Self {
            index: *index,
            round,
            arm: None,
            level: level_label.to_owned(),
            phase: match phase {
                Phase::Warmup => "warmup",
                Phase::Measure => "measure",
            }
            .to_owned(),
            due_ms: due.map(|at| millis(at.ms())),
            sent_ms: sent.map(|at| millis(at.ms())),
            ttft_ms: first.filter(|_| *streamed).and_then(|chunk| since_sent(chunk.at)),
            e2e_ms: match (last, row.outcome.is_success()) {
                (Some(chunk), _) if *streamed => since_sent(chunk.at),
                (_, true) => since_sent(*done),
                (_, false) => None,
            },
            done_ms: millis(done.ms()),
            chunk_ms: chunks.iter().filter_map(|chunk| since_sent(chunk.at)).collect(),
            chunk_tokens: chunk_tokens(chunks),
            tokens: TokenCounts {
                prompt_asked: *prompt_tokens_asked,
                prompt: *prompt,
                cached: *cached,
                output_asked: *output_tokens_asked,
                output,
                source: source.id().to_owned(),
            },
            server_ms: server_times.map(ServerMs::from),
            finish_reason: finish_reason.clone(),
            outcome,
            status,
            detail,
            reconnects: *reconnects,
        }
    }

    /// The row with its instants counted since `offset` earlier.
    #[must_use]
    pub fn moved(self, offset: Nanos) -> Self {
        let at = |ms: f64| millis(ms + offset.ms());
        Self { due_ms: self.due_ms.map(at), sent_ms: self.sent_ms.map(at), done_ms: at(self.done_ms), ..self }
    }

    /// The line, with its newline.
    pub fn to_line(&self) -> String {
        // A row is plain data with string keys: it always serialises.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

fn words(outcome: &Outcome) -> (String, Option<u16>, Option<String>) {
    match outcome {
        Outcome::Success => ("success".to_owned(), None, None),
        Outcome::Failed(failure) => {
            (failure.class.id().to_owned(), failure.status, Some(failure.detail.clone()))
        }
    }
}

fn chunk_tokens(chunks: &[Chunk]) -> Option<Vec<u32>> {
    let tokens: Vec<u32> = chunks.iter().map(|chunk| chunk.tokens).collect::<Option<_>>()?;
    tokens.iter().any(|count| *count != 1).then_some(tokens)
}
