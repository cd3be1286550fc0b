//! The tools whose results are read, and how their files are told apart.

use std::fmt;

use serde_json::Value;

use super::error::Problem;

/// A tool that writes results which can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Vllm,
    Sglang,
    Aiperf,
    Guidellm,
}

impl Source {
    pub const ALL: [Self; 4] = [Self::Vllm, Self::Sglang, Self::Aiperf, Self::Guidellm];

    /// The name in flags and files.
    pub fn id(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Aiperf => "aiperf",
            Self::Guidellm => "guidellm",
        }
    }

    /// The tool's own name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vllm => "vllm bench serve",
            Self::Sglang => "SGLang bench_serving",
            Self::Aiperf => "AIPerf",
            Self::Guidellm => "GuideLLM",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Whose result this is, by the names that only that tool uses together.
pub(super) fn detect(value: &Value) -> Result<Source, Problem> {
    let has = |key: &str| value.get(key).is_some();
    let inside = |outer: &str, key: &str| value.get(outer).is_some_and(|found| found.get(key).is_some());
    if value
        .pointer("/format/kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.starts_with("llm-loadtest/"))
    {
        return Err(Problem::Ours);
    }
    let aiperf = inside("metadata", "request_start_ns") || inside("request_latency", "unit");
    match () {
        () if value.get("benchmarks").is_some_and(Value::is_array) => Ok(Source::Guidellm),
        () if aiperf => Ok(Source::Aiperf),
        () if has("request_throughput") && has("mean_e2e_latency_ms") => Ok(Source::Sglang),
        () if has("request_throughput") && has("total_input_tokens") => Ok(Source::Vllm),
        () => Err(Problem::Unknown),
    }
}
