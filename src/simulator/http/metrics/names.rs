//! Which metrics each engine has, by name: those that a client can compare with, or that say how full the server is.

use crate::simulator::http::driver::Snapshot;
use crate::simulator::model::{Counters, Engine, Histogram, SimSpec};

/// One engine's page.
pub(super) struct Dialect {
    pub prefix: &'static str,
    /// Labels on every line; `MODEL` stands for the model's name.
    pub labels: &'static str,
    pub families: &'static [Family],
}

/// One metric: its name after the prefix, its help, and where its value comes from.
pub(super) struct Family {
    pub name: &'static str,
    pub help: &'static str,
    pub show: Show,
}

type Total = fn(&Counters) -> f64;

pub(super) enum Show {
    Gauge(fn(&Snapshot, &SimSpec) -> f64),
    Counter(Total),
    /// One line for each value of a label.
    Labelled(&'static str, &'static [(&'static str, Total)]),
    Histogram(fn(&Counters) -> &Histogram),
}

/// Engines without a page of their own show vLLM's where anything asks.
pub(super) fn dialect(engine: Option<Engine>) -> &'static Dialect {
    match engine {
        None | Some(Engine::Vllm | Engine::Ollama | Engine::Anthropic) => &VLLM,
        Some(Engine::Sglang) => &SGLANG,
        Some(Engine::LlamaServer) => &LLAMA_SERVER,
        Some(Engine::TrtLlm) => &TRTLLM,
        Some(Engine::Tgi) => &TGI,
        Some(Engine::Triton) => &TRITON,
    }
}

const fn family(name: &'static str, help: &'static str, show: Show) -> Family {
    Family { name, help, show }
}

/// Microseconds of a histogram's seconds, whole as Triton counts them.
fn micros(histogram: &Histogram) -> f64 {
    (histogram.sum() * 1e6).round()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

const RUNNING: Show = Show::Gauge(|now, _| now.gauges.running as f64);
const WAITING: Show = Show::Gauge(|now, _| now.gauges.waiting as f64);
const KV_USAGE: Show = Show::Gauge(|now, _| now.gauges.kv_usage);
const HIT_RATE: Show =
    Show::Gauge(|now, _| ratio(now.counters.prefix_hits as f64, now.counters.prefix_queries as f64));
const HITS: Show = Show::Counter(|all| all.prefix_hits as f64);
const PROMPT_TOKENS: Show = Show::Counter(|all| all.prompt_tokens as f64);
const GENERATION_TOKENS: Show = Show::Counter(|all| all.generation_tokens as f64);
const FINISHED: Show = Show::Counter(|all| all.finished as f64);
const TTFT: Show = Show::Histogram(|all| &all.ttft);
const ITL: Show = Show::Histogram(|all| &all.itl);
const TPOT: Show = Show::Histogram(|all| &all.tpot);
const E2E: Show = Show::Histogram(|all| &all.e2e);
const QUEUE: Show = Show::Histogram(|all| &all.queue);
const PREFILL: Show = Show::Histogram(|all| &all.prefill);
const DECODE: Show = Show::Histogram(|all| &all.decode);
const INFERENCE: Show = Show::Histogram(|all| &all.inference);
const BY_REASON: Show = Show::Labelled(
    "finished_reason",
    &[
        ("length", |all| all.finished as f64),
        ("abort", |all| all.aborted as f64),
        ("error", |all| all.failed as f64),
    ],
);

static VLLM: Dialect = Dialect {
    prefix: "vllm:",
    labels: "engine=\"0\",model_name=\"MODEL\"",
    families: &[
        family("num_requests_running", "Number of requests in model execution batches.", RUNNING),
        family("num_requests_waiting", "Number of requests waiting to be processed.", WAITING),
        family("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", KV_USAGE),
        family(
            "prefix_cache_queries_total",
            "Prefix cache queries, in tokens.",
            Show::Counter(|all| all.prefix_queries as f64),
        ),
        family("prefix_cache_hits_total", "Prefix cache hits, in tokens.", HITS),
        family(
            "num_preemptions_total",
            "Cumulative number of preemptions.",
            Show::Counter(|all| all.preemptions as f64),
        ),
        family("prompt_tokens_total", "Number of prefill tokens processed.", PROMPT_TOKENS),
        family("prompt_tokens_cached_total", "Number of cached prompt tokens (local + external).", HITS),
        family("generation_tokens_total", "Number of generation tokens processed.", GENERATION_TOKENS),
        family("request_success_total", "Count of successfully processed requests.", BY_REASON),
        family("time_to_first_token_seconds", "Time to first token in seconds.", TTFT),
        family("inter_token_latency_seconds", "Inter-token latency in seconds.", ITL),
        family(
            "request_time_per_output_token_seconds",
            "Histogram of time_per_output_token_seconds per request.",
            TPOT,
        ),
        family("e2e_request_latency_seconds", "Request latency in seconds.", E2E),
        family("request_queue_time_seconds", "Time spent in WAITING phase for request.", QUEUE),
        family("request_inference_time_seconds", "Time spent in RUNNING phase for request.", INFERENCE),
        family("request_prefill_time_seconds", "Time spent in PREFILL phase for request.", PREFILL),
        family("request_decode_time_seconds", "Time spent in DECODE phase for request.", DECODE),
    ],
};

static SGLANG: Dialect = Dialect {
    prefix: "sglang:",
    labels: "engine_type=\"unified\",model_name=\"MODEL\"",
    families: &[
        family("num_running_reqs", "The number of running requests.", RUNNING),
        family("num_queue_reqs", "The number of requests in the waiting queue.", WAITING),
        family("token_usage", "The token usage.", KV_USAGE),
        family("cache_hit_rate", "The prefix cache hit rate.", HIT_RATE),
        family(
            "num_retracted_reqs",
            "The number of retracted requests.",
            Show::Gauge(|now, _| now.counters.preemptions as f64),
        ),
        family("prompt_tokens_total", "Number of prefill tokens processed.", PROMPT_TOKENS),
        family("generation_tokens_total", "Number of generation tokens processed.", GENERATION_TOKENS),
        family(
            "cached_tokens_total",
            "Number of cached prompt tokens.",
            Show::Labelled("cache_source", &[("device", |all| all.prefix_hits as f64)]),
        ),
        family("num_requests_total", "Number of requests processed.", FINISHED),
        family(
            "num_aborted_requests_total",
            "Number of requests aborted.",
            Show::Counter(|all| (all.aborted + all.failed) as f64),
        ),
        family("time_to_first_token_seconds", "Histogram of time to first token in seconds.", TTFT),
        family("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", ITL),
        family(
            "request_time_per_output_token_seconds",
            "Per-request TPOT in seconds: (finished_time - first_token_time) / (completion_tokens - 1).",
            TPOT,
        ),
        family("e2e_request_latency_seconds", "Histogram of End-to-end request latency in seconds", E2E),
        family("queue_time_seconds", "Histogram of queueing time in seconds.", QUEUE),
    ],
};

static LLAMA_SERVER: Dialect = Dialect {
    prefix: "llamacpp:",
    labels: "",
    families: &[
        family(
            "prompt_tokens_total",
            "Number of prompt tokens processed, excluding cached tokens",
            Show::Counter(|all| all.prompt_tokens.saturating_sub(all.prefix_hits) as f64),
        ),
        family("prompt_tokens_cached_total", "Number of prompt tokens reused from the cache", HITS),
        family(
            "prompt_seconds_total",
            "Total time spent processing prompts",
            Show::Counter(|all| all.prefill.sum()),
        ),
        family("tokens_predicted_total", "Number of generation tokens processed", GENERATION_TOKENS),
        family(
            "tokens_predicted_seconds_total",
            "Total time spent generating tokens",
            Show::Counter(|all| all.decode.sum()),
        ),
        family(
            "n_decode_total",
            "Total number of llama_decode() calls, excluding speculative decoding and multimodal decoding",
            Show::Counter(|all| all.steps as f64),
        ),
        family(
            "prompt_tokens_seconds",
            "Average prompt throughput in tokens/s.",
            Show::Gauge(|now, _| ratio(now.counters.prompt_tokens as f64, now.counters.prefill.sum())),
        ),
        family(
            "predicted_tokens_seconds",
            "Average generation throughput in tokens/s.",
            Show::Gauge(|now, _| ratio(now.counters.generation_tokens as f64, now.counters.decode.sum())),
        ),
        family("requests_processing", "Number of requests processing.", RUNNING),
        family("requests_deferred", "Number of requests deferred.", WAITING),
        family(
            "n_busy_slots_per_decode",
            "Average number of busy slots per llama_decode() call",
            Show::Gauge(|now, _| ratio(now.counters.busy as f64, now.counters.steps as f64)),
        ),
    ],
};

static TRTLLM: Dialect = Dialect {
    prefix: "trtllm_",
    labels: "engine_type=\"undefined\",model_name=\"MODEL\"",
    families: &[
        family("num_requests_running", "Number of running requests.", RUNNING),
        family("num_requests_waiting", "Number of waiting requests.", WAITING),
        family("kv_cache_utilization", "KV cache utilization.", KV_USAGE),
        family("kv_cache_hit_rate", "KV cache hit rate.", HIT_RATE),
        family(
            "kv_cache_max_blocks",
            "Blocks of the KV cache.",
            Show::Gauge(|_, spec| f64::from(spec.profile.kv_blocks)),
        ),
        family("kv_cache_used_blocks", "Blocks in use.", Show::Gauge(used_blocks)),
        family(
            "kv_cache_free_blocks",
            "Blocks not in use.",
            Show::Gauge(|now, spec| f64::from(spec.profile.kv_blocks) - used_blocks(now, spec)),
        ),
        family("prompt_tokens_total", "Number of prompt tokens processed.", PROMPT_TOKENS),
        family("generation_tokens_total", "Number of generation tokens processed.", GENERATION_TOKENS),
        family(
            "request_success_total",
            "Count of successfully processed requests.",
            Show::Labelled("finished_reason", &[("length", |all| all.finished as f64)]),
        ),
        family("request_error_total", "Count of failed requests.", Show::Counter(|all| all.failed as f64)),
        family("time_to_first_token_seconds", "Histogram of time to first token in seconds.", TTFT),
        family("time_per_output_token_seconds", "Histogram of time per output token in seconds.", TPOT),
        family("e2e_request_latency_seconds", "Histogram of end to end request latency in seconds.", E2E),
        family("request_queue_time_seconds", "Histogram of time spent in the queue.", QUEUE),
        family("request_prefill_time_seconds", "Histogram of time spent in prefill.", PREFILL),
        family("request_decode_time_seconds", "Histogram of time spent in decode.", DECODE),
        family("request_inference_time_seconds", "Histogram of time spent in inference.", INFERENCE),
    ],
};

fn used_blocks(now: &Snapshot, spec: &SimSpec) -> f64 {
    (now.gauges.kv_usage * f64::from(spec.profile.kv_blocks)).round()
}

static TGI: Dialect = Dialect {
    prefix: "tgi_",
    labels: "",
    families: &[
        family("queue_size", "Number of requests in the internal queue", WAITING),
        family("batch_current_size", "Current batch size", RUNNING),
        family(
            "request_count",
            "Total number of requests",
            Show::Counter(|all| (all.finished + all.failed + all.rejected) as f64),
        ),
        family("request_success", "Number of successful requests", FINISHED),
        family(
            "request_failure",
            "Number of failed requests",
            Show::Labelled(
                "err",
                &[("overloaded", |all| all.rejected as f64), ("generation", |all| all.failed as f64)],
            ),
        ),
        family("request_duration", "End-to-end duration of each request in seconds", E2E),
        family("request_queue_duration", "Time spent in the queue in seconds", QUEUE),
        family("request_inference_duration", "Time spent in inference in seconds", INFERENCE),
        family(
            "request_mean_time_per_token_duration",
            "Mean duration of each generated token in seconds",
            TPOT,
        ),
    ],
};

static TRITON: Dialect = Dialect {
    prefix: "nv_inference_",
    labels: "model=\"MODEL\",version=\"1\"",
    families: &[
        family("request_success", "Number of successful inference requests, all batch sizes", FINISHED),
        family(
            "request_failure",
            "Number of failed inference requests, all batch sizes",
            Show::Labelled(
                "reason",
                &[
                    ("OTHER", |_| 0.0),
                    ("CANCELED", |all| all.aborted as f64),
                    ("REJECTED", |all| all.rejected as f64),
                    ("BACKEND", |all| all.failed as f64),
                ],
            ),
        ),
        family("count", "Number of inferences performed (does not include cached requests)", FINISHED),
        family(
            "exec_count",
            "Number of model executions performed (does not include cached requests)",
            Show::Counter(|all| all.steps as f64),
        ),
        family(
            "request_duration_us",
            "Cumulative inference request duration in microseconds (includes cached requests)",
            Show::Counter(|all| micros(&all.e2e)),
        ),
        family(
            "queue_duration_us",
            "Cumulative inference queuing duration in microseconds (includes cached requests)",
            Show::Counter(|all| micros(&all.queue)),
        ),
        family(
            "compute_infer_duration_us",
            "Cumulative compute inference duration in microseconds (does not include cached requests)",
            Show::Counter(|all| micros(&all.inference)),
        ),
        family(
            "pending_request_count",
            "Instantaneous number of pending requests awaiting execution per-model.",
            WAITING,
        ),
    ],
};
