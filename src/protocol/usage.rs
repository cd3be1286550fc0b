//! Token counts and times as servers write them, whatever they call them.

use serde::Deserialize;

use crate::base::Nanos;
use crate::record::{ServerTimes, Usage};

/// Token counts under every name that is in use. A server may send two names for one count.
#[derive(Debug, Deserialize)]
pub(super) struct WireUsage {
    /// Chat, completions, embeddings, rankings.
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Cached>,
    /// Responses, messages.
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<Cached>,
    /// `DeepSeek`.
    prompt_cache_hit_tokens: Option<u64>,
    /// Anthropic, which counts what came from the cache, and what went into it, beside `input_tokens`.
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Cached {
    cached_tokens: Option<u64>,
}

impl WireUsage {
    /// The counts of a generated answer; none for the `{0, 0, 0}` that Ollama puts on every chunk until the last.
    pub(super) fn counts(&self) -> Option<Usage> {
        let details = self.prompt_tokens_details.as_ref().or(self.input_tokens_details.as_ref());
        let cached = details.and_then(|details| details.cached_tokens).or(self.prompt_cache_hit_tokens);
        let usage = Usage {
            prompt: self.prompt_tokens.or(self.input_tokens).map(narrow),
            output: self.completion_tokens.or(self.output_tokens).map(narrow),
            cached: cached.map(narrow),
        };
        let silent = usage.prompt.unwrap_or(0) == 0 && usage.output.unwrap_or(0) == 0;
        (!silent).then_some(usage)
    }

    /// The counts of an Anthropic message, with the whole prompt, as everyone else counts it.
    pub(super) fn message(&self) -> Usage {
        let beside = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let prompt = self
            .input_tokens
            .map(|input| beside.into_iter().flatten().fold(input, u64::saturating_add))
            .filter(|&prompt| prompt > 0);
        Usage {
            prompt: prompt.map(narrow),
            output: self.output_tokens.map(narrow),
            cached: self.cache_read_input_tokens.map(narrow),
        }
    }

    /// The counts of what only reads: embeddings and rankings generate nothing.
    pub(super) fn reading(&self) -> Usage {
        let prompt = self.prompt_tokens.or(self.input_tokens).filter(|&prompt| prompt > 0);
        Usage { prompt: prompt.or(self.total_tokens).map(narrow), output: Some(0), cached: None }
    }
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// llama-server's `timings`, which come with the last chunk of an answer, asked for or not.
#[derive(Debug, Deserialize)]
pub(super) struct Timings {
    prompt_ms: Option<f64>,
    predicted_ms: Option<f64>,
}

impl Timings {
    pub(super) fn times(&self) -> ServerTimes {
        let span = |ms: Option<f64>| ms.filter(|ms| ms.is_finite() && *ms >= 0.0).map(Nanos::from_ms);
        ServerTimes {
            prefill: span(self.prompt_ms),
            decode: span(self.predicted_ms),
            ..ServerTimes::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> WireUsage {
        serde_json::from_str(text).unwrap()
    }

    fn counts(prompt: u32, output: u32, cached: Option<u32>) -> Usage {
        Usage { prompt: Some(prompt), output: Some(output), cached }
    }

    #[test]
    fn every_name_of_a_count_is_read() {
        for (text, usage) in [
            (r#"{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}"#, counts(5, 2, None)),
            (
                r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}"#,
                counts(5, 2, Some(4)),
            ),
            (
                r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_cache_hit_tokens":3,"prompt_cache_miss_tokens":2}"#,
                counts(5, 2, Some(3)),
            ),
            (
                r#"{"input_tokens":5,"output_tokens":2,"input_tokens_details":{"cached_tokens":1}}"#,
                counts(5, 2, Some(1)),
            ),
            (
                r#"{"prompt_tokens":5,"input_tokens":5,"completion_tokens":2,"output_tokens":2}"#,
                counts(5, 2, None),
            ),
        ] {
            assert_eq!(wire(text).counts(), Some(usage), "{text}");
        }
        assert_eq!(wire(r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#).counts(), None);
    }

    #[test]
    fn a_messages_prompt_is_what_was_read_and_what_was_cached() {
        let text = r#"{"input_tokens":1,"cache_read_input_tokens":16,"cache_creation_input_tokens":3,"output_tokens":4}"#;
        assert_eq!(wire(text).message(), counts(20, 4, Some(16)));
        let later = Usage { output: Some(4), ..Usage::default() };
        assert_eq!(wire(r#"{"output_tokens":4}"#).message(), later);
        assert_eq!(wire(r#"{"input_tokens":0,"output_tokens":4}"#).message(), later);
    }

    #[test]
    fn what_only_reads_has_a_prompt_and_no_output() {
        assert_eq!(wire(r#"{"prompt_tokens":5,"total_tokens":5}"#).reading(), counts(5, 0, None));
        assert_eq!(wire(r#"{"total_tokens":9}"#).reading(), counts(9, 0, None));
    }
}
