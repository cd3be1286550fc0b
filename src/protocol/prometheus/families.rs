//! One table for each family of metric names. vLLM's, SGLang's, llama-server's, Triton's and `LiteLLM`'s are of the pages in
//! `tests/fixtures/wire`; the others and all older names are of the engines' sources and documentation.

use super::alias::{Family, Term, Timing, seconds, term};
use super::{Count, Span};

/// In the order in which a page is searched: Triton's own names stand beside those of the engine that it hosts, and NIM's
/// have no prefix that nobody else could have.
pub(super) static FAMILIES: [&Family; 9] =
    [&VLLM, &SGLANG, &LMDEPLOY, &TRTLLM, &TGI, &LITELLM, &LLAMACPP, &TRITON, &NIM];

const REASON: &str = "finished_reason";
/// A request that its client left, or that broke.
const BROKEN: &[&str] = &["abort", "error"];
const MICROSECONDS: f64 = 1e-6;

static VLLM: Family = Family {
    id: "vllm",
    prefixes: &["vllm:"],
    counts: &[
        (Count::Requests, &[term(&["vllm:request_success_total"]).except(REASON, BROKEN)]),
        (Count::Failed, &[term(&["vllm:request_success_total"]).only(REASON, BROKEN)]),
        (Count::PromptTokens, &[term(&["vllm:prompt_tokens_total"])]),
        (Count::OutputTokens, &[term(&["vllm:generation_tokens_total"])]),
        (Count::CachedTokens, &[term(&["vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"])]),
        (
            Count::CacheQueries,
            &[term(&["vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"])],
        ),
        (Count::Preemptions, &[term(&["vllm:num_preemptions_total", "vllm:num_preemptions"])]),
    ],
    running: &[term(&["vllm:num_requests_running"])],
    waiting: &[term(&["vllm:num_requests_waiting"])],
    kv_usage: &[term(&["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"])],
    spans: &[
        (Span::Ttft, seconds(&["vllm:time_to_first_token_seconds"])),
        (Span::Itl, seconds(&["vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"])),
        (Span::Tpot, seconds(&["vllm:request_time_per_output_token_seconds"])),
        (Span::E2e, seconds(&["vllm:e2e_request_latency_seconds"])),
        (Span::Queue, seconds(&["vllm:request_queue_time_seconds"])),
        (Span::Prefill, seconds(&["vllm:request_prefill_time_seconds"])),
        (Span::Decode, seconds(&["vllm:request_decode_time_seconds"])),
    ],
};

static SGLANG: Family = Family {
    id: "sglang",
    prefixes: &["sglang:", "sglang_"],
    counts: &[
        (Count::Requests, &[term(&["sglang:num_requests_total", "sglang_num_requests_total"])]),
        (Count::Failed, &[term(&["sglang:num_aborted_requests_total"])]),
        (Count::PromptTokens, &[term(&["sglang:prompt_tokens_total", "sglang_prompt_tokens_total"])]),
        (Count::OutputTokens, &[term(&["sglang:generation_tokens_total", "sglang_generation_tokens_total"])]),
        (Count::CachedTokens, &[term(&["sglang:cached_tokens_total"])]),
        // Every prompt is looked up as a whole.
        (Count::CacheQueries, &[term(&["sglang:prompt_tokens_total"])]),
    ],
    running: &[term(&["sglang:num_running_reqs", "sglang_num_running_reqs"])],
    waiting: &[term(&["sglang:num_queue_reqs", "sglang_num_queue_reqs"])],
    kv_usage: &[term(&["sglang:token_usage", "sglang_token_usage"])],
    spans: &[
        (Span::Ttft, seconds(&["sglang:time_to_first_token_seconds", "sglang_time_to_first_token_seconds"])),
        (Span::Itl, seconds(&["sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"])),
        (Span::Tpot, seconds(&["sglang:request_time_per_output_token_seconds"])),
        (Span::E2e, seconds(&["sglang:e2e_request_latency_seconds", "sglang_e2e_request_latency_seconds"])),
        (Span::Queue, seconds(&["sglang:queue_time_seconds"])),
    ],
};

static LMDEPLOY: Family = Family {
    id: "lmdeploy",
    prefixes: &["lmdeploy:"],
    counts: &[
        (Count::Requests, &[term(&["lmdeploy:request_success_total"]).except(REASON, BROKEN)]),
        (Count::Failed, &[term(&["lmdeploy:request_success_total"]).only(REASON, BROKEN)]),
        (Count::PromptTokens, &[term(&["lmdeploy:prompt_tokens_total"])]),
        (Count::OutputTokens, &[term(&["lmdeploy:generation_tokens_total"])]),
    ],
    running: &[term(&["lmdeploy:num_requests_running"])],
    waiting: &[term(&["lmdeploy:num_requests_waiting"])],
    kv_usage: &[term(&["lmdeploy:gpu_cache_usage_perc"])],
    spans: &[
        (Span::Ttft, seconds(&["lmdeploy:time_to_first_token_seconds"])),
        (Span::Itl, seconds(&["lmdeploy:iter_token_latency"])),
        (Span::Tpot, seconds(&["lmdeploy:time_per_output_token_seconds"])),
        (Span::E2e, seconds(&["lmdeploy:e2e_request_latency_seconds"])),
        (Span::Queue, seconds(&["lmdeploy:request_queue_time_seconds"])),
        (Span::Prefill, seconds(&["lmdeploy:request_prefill_time_seconds"])),
        (Span::Decode, seconds(&["lmdeploy:request_decode_time_seconds"])),
    ],
};

static TRTLLM: Family = Family {
    id: "trtllm",
    prefixes: &["trtllm_", "trtllm:"],
    counts: &[
        (Count::Requests, &[term(&["trtllm_request_success_total", "trtllm:request_success_total"])]),
        (Count::Failed, &[term(&["trtllm_request_error_total", "trtllm:request_error_total"])]),
        (Count::PromptTokens, &[term(&["trtllm_prompt_tokens_total", "trtllm:prompt_tokens_total"])]),
        (Count::OutputTokens, &[term(&["trtllm_generation_tokens_total", "trtllm:generation_tokens_total"])]),
    ],
    running: &[term(&["trtllm_num_requests_running", "trtllm:num_requests_running"])],
    waiting: &[term(&["trtllm_num_requests_waiting", "trtllm:num_requests_waiting"])],
    kv_usage: &[term(&["trtllm_kv_cache_utilization", "trtllm:kv_cache_utilization"])],
    spans: &[
        (Span::Ttft, seconds(&["trtllm_time_to_first_token_seconds", "trtllm:time_to_first_token_seconds"])),
        (
            Span::Tpot,
            seconds(&["trtllm_time_per_output_token_seconds", "trtllm:time_per_output_token_seconds"]),
        ),
        (Span::E2e, seconds(&["trtllm_e2e_request_latency_seconds", "trtllm:e2e_request_latency_seconds"])),
        (Span::Queue, seconds(&["trtllm_request_queue_time_seconds", "trtllm:request_queue_time_seconds"])),
        (Span::Prefill, seconds(&["trtllm_request_prefill_time_seconds"])),
        (Span::Decode, seconds(&["trtllm_request_decode_time_seconds"])),
    ],
};

/// `tgi_request_mean_time_per_token_duration` divides the whole inference by its tokens, prefill included, so it is none of
/// our latencies.
static TGI: Family = Family {
    id: "tgi",
    prefixes: &["tgi_"],
    counts: &[
        (Count::Requests, &[term(&["tgi_request_success", "tgi_request_success_total"])]),
        (Count::Failed, &[term(&["tgi_request_failure", "tgi_request_failure_total"])]),
        (Count::PromptTokens, &[term(&["tgi_request_input_length_sum"])]),
        (Count::OutputTokens, &[term(&["tgi_request_generated_tokens_sum"])]),
    ],
    running: &[term(&["tgi_batch_current_size"])],
    waiting: &[term(&["tgi_queue_size"])],
    kv_usage: &[],
    spans: &[
        (Span::E2e, seconds(&["tgi_request_duration"])),
        (Span::Queue, seconds(&["tgi_request_queue_duration"])),
    ],
};

static LITELLM: Family = Family {
    id: "litellm",
    prefixes: &["litellm_"],
    counts: &[
        (
            Count::Requests,
            &[term(&["litellm_proxy_total_requests_metric_total"]).only("status_code", &["200"])],
        ),
        (Count::Failed, &[term(&["litellm_proxy_failed_requests_metric_total"])]),
        (Count::PromptTokens, &[term(&["litellm_input_tokens_metric_total"])]),
        (Count::OutputTokens, &[term(&["litellm_output_tokens_metric_total"])]),
        (Count::CachedTokens, &[term(&["litellm_input_cached_tokens_metric_total"])]),
        (Count::CacheQueries, &[term(&["litellm_input_tokens_metric_total"])]),
    ],
    running: &[term(&["litellm_in_flight_requests"])],
    waiting: &[],
    kv_usage: &[],
    spans: &[
        (Span::Ttft, seconds(&["litellm_llm_api_time_to_first_token_metric"])),
        (Span::E2e, seconds(&["litellm_request_total_latency_metric"])),
        (Span::Queue, seconds(&["litellm_request_queue_time_seconds"])),
    ],
};

/// It counts no requests, and what it counts it counts when a request ends.
static LLAMACPP: Family = Family {
    id: "llama.cpp",
    prefixes: &["llamacpp:"],
    counts: &[
        // The first leaves out what came from the cache.
        (Count::PromptTokens, &[LLAMA_READ, LLAMA_CACHED]),
        (Count::OutputTokens, &[LLAMA_TOKENS]),
        (Count::CachedTokens, &[LLAMA_CACHED]),
        (Count::CacheQueries, &[LLAMA_READ, LLAMA_CACHED]),
    ],
    running: &[term(&["llamacpp:requests_processing"])],
    waiting: &[term(&["llamacpp:requests_deferred"])],
    kv_usage: &[term(&["llamacpp:kv_cache_usage_ratio"])],
    spans: &[(
        Span::Itl,
        Timing::Totals { time: term(&["llamacpp:tokens_predicted_seconds_total"]), count: LLAMA_TOKENS },
    )],
};
const LLAMA_READ: Term = term(&["llamacpp:prompt_tokens_total"]);
const LLAMA_CACHED: Term = term(&["llamacpp:prompt_tokens_cached_total"]);
const LLAMA_TOKENS: Term = term(&["llamacpp:tokens_predicted_total"]);

/// `nv_inference_request_duration_us` ends with a decoupled model's first answer at the latest, and failures in a stream are
/// not counted, so neither is taken. The `nv_trt_llm_` names are TensorRT-LLM's behind it.
static TRITON: Family = Family {
    id: "triton",
    prefixes: &["nv_inference_", "nv_trt_llm_"],
    counts: &[
        (Count::Requests, &[term(&["nv_inference_request_success"])]),
        (Count::PromptTokens, &[term(&["nv_llm_input_token_len_sum"])]),
        (Count::OutputTokens, &[term(&["nv_llm_output_token_len_sum"])]),
    ],
    running: &[term(&["nv_trt_llm_request_metrics"]).only("request_type", &["scheduled"])],
    waiting: &[
        term(&["nv_trt_llm_request_metrics"]).only("request_type", &["waiting"]),
        term(&["nv_inference_pending_request_count"]),
    ],
    kv_usage: &[term(&["nv_trt_llm_kv_cache_block_metrics"]).only("kv_cache_block_type", &["fraction"])],
    spans: &[(
        Span::Queue,
        Timing::Totals {
            time: term(&["nv_inference_queue_duration_us"]).times(MICROSECONDS),
            count: term(&["nv_inference_request_success"]),
        },
    )],
};

static NIM: Family = Family {
    id: "nim",
    prefixes: &["time_to_first_token_seconds", "num_requests_running", "request_finish_total"],
    counts: &[
        (Count::Requests, &[term(&["request_finish_total", "request_success_total"]).except(REASON, BROKEN)]),
        (Count::Failed, &[term(&["request_finish_total", "request_success_total"]).only(REASON, BROKEN)]),
        (Count::PromptTokens, &[term(&["prompt_tokens_total"])]),
        (Count::OutputTokens, &[term(&["generation_tokens_total"])]),
    ],
    running: &[term(&["num_requests_running"])],
    waiting: &[term(&["num_requests_waiting"])],
    kv_usage: &[term(&["gpu_cache_usage_perc"])],
    spans: &[
        (Span::Ttft, seconds(&["time_to_first_token_seconds"])),
        (Span::Itl, seconds(&["time_per_output_token_seconds"])),
        (Span::E2e, seconds(&["e2e_request_latency_seconds"])),
    ],
};
