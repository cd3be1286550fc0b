//! The table of every setting: one row gives its flag, action input, environment variable, file key, schema and help.

use super::error::nearest;
use super::setting::Group::{Action, Gate, Launch, Load, Output, Request, Search, Server, Wait};
use super::setting::Section as In;
use super::setting::Shape::{
    Choice, Count, Counts, Duration, Json, Lengths, Number, Numbers, Pairs, Share, Switch, Text, Texts,
    Weights, Words,
};
use super::setting::{Setting, row};
use crate::protocol::{Adapter, Api};

/// The row of a key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The setting that somebody names as a flag without its dashes, by its own name or another tool's; else the nearest name.
pub fn named(name: &str) -> Result<&'static Setting, Option<&'static str>> {
    let is = |setting: &&Setting| setting.key == name || setting.aliases.contains(&name);
    SETTINGS.iter().find(is).ok_or_else(|| nearest(name, SETTINGS.iter().map(|setting| setting.key)))
}

/// Every setting, in the order of help texts.
pub const SETTINGS: &[Setting] = &[
    row("server", Server, Texts, "URL of the server, name of a target in the file, or sim:PROFILE for the built-in simulator, for example http://localhost:8000 or sim:h100-8b; several URLs with commas, or repeated, share the load")
        .value("URL")
        .also(&["url", "base-url", "target", "endpoint-url"])
        .file(&[(In::Target, "base_url"), (In::Workload, "target")]),
    row("url-strategy", Server, Choice(&["round-robin", "session"]), "Which of several servers a request goes to: round-robin (in turn) or session (a conversation stays with its server)")
        .default("round-robin")
        .file(&[(In::Target, "url_strategy")]),
    row("model", Server, Text, "Model to ask for, or name of a model in the file; without it the server's only model is taken")
        .value("NAME")
        .short('m')
        .also(&["model-name", "served-model-name"])
        .file(&[(In::Model, "full_name"), (In::Workload, "model")]),
    row("models", Server, Weights, "Several models or LoRA adapters, drawn by weight for each visit, for example base=3,lora-a=1; without weights all alike")
        .also(&["lora-modules"])
        .file(&[(In::Workload, "models")]),
    row("context-length", Server, Count, "Most tokens that the model takes, prompt and answer together; longer requests are refused before any load, for example 8192")
        .value("TOKENS")
        .file(&[(In::Model, "context_length")]),
    row("tokenizer", Server, Text, "Token counting: an encoding such as cl100k_base, or the path of a tokenizer.json; without it prompts are built from common words")
        .value("NAME|FILE")
        .also(&["processor"])
        .file(&[(In::Model, "tokenizer")]),
    row("api-key", Server, Text, "API key, never written anywhere; prefer --api-key-env, because other users of a machine can see flags")
        .value("KEY")
        .secret(),
    row("api-key-env", Server, Text, "Environment variable that holds the API key; OPENAI_API_KEY where that is set")
        .value("NAME")
        .file(&[(In::Target, "api_key_env")]),
    row("header", Server, Pairs, "Extra header of every request, for example 'X-Tenant: blue'; in a file ${NAME} stands for an environment variable; repeatable")
        .value("'NAME: VALUE'")
        .short('H')
        .file(&[(In::Target, "headers")]),
    row("insecure", Server, Switch, "Do not verify the server's TLS certificate")
        .default("false")
        .file(&[(In::Target, "insecure")]),
    row("cacert", Server, Text, "PEM file of certificate authorities to trust besides the system's")
        .value("FILE")
        .file(&[(In::Target, "cacert")]),
    row("hardware", Server, Text, "Your name for the hardware under test; baselines of one name are never compared with another's, for example h100x8")
        .value("NAME")
        .file(&[(In::Target, "hardware")]),
    row("server-command", Launch, Text, "Line of shell that starts the server and stays in the foreground, stopped at the end with all it started; {port} in it and in --server stands for a free port, for example 'vllm serve Qwen/Qwen3-14B --port {port}'")
        .value("LINE")
        .file(&[(In::Target, "command")]),
    row("server-image", Launch, Text, "Image of a container that is started as the server, on a network of its own, and removed at the end, for example vllm/vllm-openai:v0.11.0")
        .value("IMAGE")
        .file(&[(In::Target, "image")]),
    row("server-args", Launch, Words, "Words after the image's entrypoint, as a shell splits them, for example '--model Qwen/Qwen3-14B --max-model-len 8192'")
        .value("'WORDS'")
        .file(&[(In::Target, "args")]),
    row("server-env", Launch, Pairs, "Environment variable of the started server, never printed; NAME alone passes our own on; in a file ${NAME} stands for ours; repeatable, for example HF_TOKEN")
        .value("NAME=VALUE")
        .file(&[(In::Target, "env")]),
    row("server-port", Launch, Count, "Port that the server of --server-image listens on, 8000 without it")
        .value("PORT")
        .file(&[(In::Target, "port")]),
    row("server-gpus", Launch, Text, "GPUs of --server-image: all, none, or indices or UUIDs with commas; without it all where the container engine has an NVIDIA runtime, else none")
        .value("all|none|DEVICES")
        .file(&[(In::Target, "gpus")]),
    row("server-volume", Launch, Texts, "Folder or named volume for --server-image, such as the cache of models; repeatable, for example /data/hf:/root/.cache/huggingface:ro")
        .value("HOST:CONTAINER")
        .file(&[(In::Target, "volumes")]),
    row("server-shm-size", Launch, Text, "Shared memory of --server-image, which processes on several GPUs talk through, 16g without it, for example 64g")
        .value("SIZE")
        .file(&[(In::Target, "shm_size")]),
    row("server-pull", Launch, Choice(&["missing", "always", "never"]), "When --server-image is pulled: missing (only where it is not there), always or never; missing without it")
        .file(&[(In::Target, "pull")]),
    row("server-ready", Launch, Text, "URL, or path on the server, that answers 2xx when the started server is ready; without it /health, or /v1/models where that is unknown")
        .value("URL|PATH")
        .file(&[(In::Target, "ready")]),
    row("server-timeout", Launch, Duration, "Longest wait until the started server is ready, bare numbers in seconds, 15m without it")
        .file(&[(In::Target, "start_timeout")]),
    row("gpu", Server, Choice(&["auto", "require", "off"]), "This machine's GPUs, by NVML: auto (read where they are visible and may be the server's), require (read wherever the server seems to be, and an error where none is visible) or off")
        .default("auto")
        .file(&[(In::Target, "gpu")]),
    row("nvml", Server, Text, "NVML library to load instead of libnvidia-ml.so.1")
        .value("FILE")
        .file(&[(In::Target, "nvml")]),
    row("server-log", Server, Text, "Log file of a vLLM, SGLang or llama-server that somebody else started; its lines of throughput are read on while a level runs")
        .value("FILE")
        .file(&[(In::Target, "log")]),
    row("server-metrics", Server, Switch, "Read the server's own metrics (queue, KV cache, tokens, latencies) before and after each level, and its gauges once a second between").default("true").file(&[(In::Target, "server_metrics")]).off(&["no-server-metrics"]),
    row("metrics-url", Server, Texts, "Page of the server's metrics in Prometheus' format, where it is not found at its usual places; several are added up, for example http://localhost:8002/metrics").value("URL").file(&[(In::Target, "metrics_url")]),
    row("dcgm-url", Server, Texts, "Page of a DCGM exporter whose GPUs are the server's, on another machine than this; repeatable, for example http://gpu-node:9400/metrics").value("URL").file(&[(In::Target, "dcgm_url")]),
    row("validate", Server, Choice(&["off", "warn", "strict"]), "Whether the client's numbers are held against the server's own, and what a difference makes of the round: warn (doubtful), strict (invalid) or off; warn in a gate, off in a run").file(&[(In::Target, "validate")]),
    row("workload", Load, Text, "Workload of the file to run, needed where it holds several; without a file, a name that tells baselines apart").value("NAME"),
    row("mix", Load, Weights, "Workloads of the file in one run, drawn by weight for each visit, for example chat=3,rag=1; each keeps its own prompts, lengths and limits, and the pace is the run's")
        .file(&[(In::Workload, "mix")]),
    row("concurrency", Load, Counts, "Requests in flight at once, each client sending its next request when the last one ended; several or a range make a sweep, for example 1,10,50 or 8..64+8")
        .default("1")
        .short('c')
        .also(&["parallel", "max-vus"])
        .file(&[(In::Workload, "concurrency")]),
    row("rate", Load, Numbers, "Requests per second that arrive by the clock however slow the server is; several or a range make a sweep, for example 2,4,8 or 2..64x2")
        .also(&["request-rate", "qps", "rps", "ramp-up-end-rps"])
        .file(&[(In::Workload, "rate"), (In::Workload, "rps")]),
    row("stages", Load, Texts, "Arrivals by the clock at rates that change: RATE@TIME holds a rate, FROM..TO@TIME goes from one to another, for example '2@30s, 2..20@60s, 50@5s'")
        .value("RATE@TIME,…")
        .file(&[(In::Workload, "stages")]),
    row("trace", Load, Text, "Replay the arrivals and lengths of a recorded trace: Mooncake JSONL, Azure LLM inference CSV, BurstGPT CSV, or plain JSONL or CSV")
        .value("FILE")
        .file(&[(In::Workload, "trace")]),
    row("arrivals", Load, Choice(&["poisson", "constant", "gamma"]), "Gaps between arrivals of --rate or --stages: poisson (random, as users are), constant, or gamma (see --burstiness)")
        .default("poisson")
        .also(&["arrival-pattern", "request-rate-mode", "rate-type"])
        .file(&[(In::Workload, "arrivals")]),
    row("burstiness", Load, Number, "Shape of gamma arrivals: 1 is poisson, below it they come in bursts, above it more evenly, for example 0.5")
        .value("SHAPE")
        .also(&["arrival-smoothness", "vllm-burstiness"])
        .file(&[(In::Workload, "burstiness")]),
    row("ramp-up", Load, Duration, "Time in which --rate rises to its value, or the clients of --concurrency start one by one, for example 30s")
        .also(&["request-rate-ramp-duration", "concurrency-ramp-duration"])
        .file(&[(In::Workload, "ramp_up")]),
    row("ramp-up-from", Load, Number, "Requests per second at which --ramp-up starts, 0 without it, for example 0.5")
        .value("RATE")
        .also(&["ramp-up-start-rps"])
        .file(&[(In::Workload, "ramp_up_from")]),
    row("max-in-flight", Load, Count, "Most requests of --rate, --stages or --trace in flight at once; later ones queue here and their wait counts as latency, for example 256")
        .file(&[(In::Workload, "max_in_flight")]),
    row("max-concurrency", Load, Counts, "As in vLLM: --max-in-flight where requests arrive by the clock, --concurrency where not"),
    row("time-scale", Load, Texts, "Factor on the times of --trace, or the speed with an x: 0.5 and 2x both replay twice as fast; several make a sweep, for example 1x,2x")
        .value("FACTOR|SPEEDx")
        .file(&[(In::Workload, "time_scale")]),
    row("trace-from", Load, Duration, "Start of the part of --trace that is replayed, since its first request, for example 10m")
        .file(&[(In::Workload, "trace_from")]),
    row("trace-until", Load, Duration, "End of the part of --trace that is replayed, since its first request, for example 20m")
        .file(&[(In::Workload, "trace_until")]),
    row("trace-unit", Load, Choice(&["s", "ms", "us", "ns"]), "Unit of bare numbers in the time column of --trace, where neither its format nor the column's name says it")
        .file(&[(In::Workload, "trace_unit")]),
    row("trace-block", Load, Count, "Tokens that one of the hash_ids of --trace stands for, 512 without it")
        .value("TOKENS")
        .also(&["isl-block-size"])
        .file(&[(In::Workload, "trace_block")]),
    row("shard", Load, Text, "Which part of the whole load this machine sends, from 0, for example 0/4; from JOB_COMPLETION_INDEX and JOB_COMPLETIONS, or from srun's variables, where they are set")
        .value("INDEX/COUNT"),
    row("start-at", Load, Text, "When the first level starts: a time with its zone, seconds since 1970, or a span from now, for example 2026-01-31T12:00:00Z or +30s")
        .value("TIME"),
    row("num-prompts", Load, Count, "Measured requests per level and round, 400 for a gate; with --turns it counts conversations; with --duration, whichever ends first")
        .default("100")
        .short('n')
        .also(&["num-requests", "request-count", "max-requests", "number", "num-conversations", "num-sessions", "conversation-num"])
        .file(&[(In::Workload, "num_prompts")]),
    row("duration", Load, Duration, "Measured time per level and round, bare numbers in seconds, for example 60s or 5m")
        .also(&["max-seconds", "benchmark-duration"])
        .file(&[(In::Workload, "duration")]),
    row("warmup", Load, Count, "Requests before each level that are sent and not counted; auto is as many as the concurrency, from 1 to 64")
        .default("auto")
        .also(&["num-warmups", "warmup-requests", "warmup-request-count"])
        .file(&[(In::Workload, "warmup")]),
    row("seed", Load, Count, "Seed of prompts, lengths and arrivals; the same seed gives the same bytes at the same times")
        .default("0")
        .also(&["random-seed"])
        .file(&[(In::Workload, "seed")]),
    row("find-max-rate", Search, Switch, "Search for the highest rate at which enough requests are good (--goodput), from --rate on where one is given")
        .default("false")
        .file(&[(In::Workload, "find_max_rate")]),
    row("find-max-concurrency", Search, Switch, "Search for the highest concurrency at which enough requests are good, from --concurrency on where one is given")
        .default("false")
        .file(&[(In::Workload, "find_max_concurrency")]),
    row("attainment", Search, Share, "Share of requests that must be good at a load that holds, for example 99%")
        .default("95%")
        .also(&["slo-attainment"])
        .file(&[(In::Workload, "attainment")]),
    row("search-precision", Search, Share, "Width of the answer: how far the next load that does not hold may lie above it, from 1%")
        .default("5%")
        .file(&[(In::Workload, "search_precision")]),
    row("search-max-levels", Search, Count, "Different loads that a search measures at most")
        .default("20")
        .file(&[(In::Workload, "search_max_levels")]),
    row("search-budget", Search, Duration, "Time after which a search starts no further window, for example 30m")
        .default("30m")
        .file(&[(In::Workload, "search_budget")]),
    row("api", Request, Choice(&Api::CHOICES), "API to call; auto is chat (/v1/chat/completions) for most engines, their own for ollama, triton and tgi, kserve-grpc where the server is grpc://")
        .default("auto")
        .also(&["endpoint-type", "backend"])
        .file(&[(In::Workload, "api")]),
    row("adapter", Request, Choice(&Adapter::CHOICES), "Engine that is asked: which fields it takes, which metrics it has; auto recognises it by its answers")
        .value("ENGINE")
        .default("auto")
        .also(&["engine", "server-type"])
        .file(&[(In::Target, "adapter"), (In::Workload, "adapter")]),
    row("continuous-usage", Request, Switch, "Ask for token counts in every chunk (continuous_usage_stats), so that gaps are per token; without it where the engine is known to take it")
        .off(&["no-continuous-usage"])
        .file(&[(In::Workload, "continuous_usage")]),
    row("stream", Request, Switch, "Ask for the answer as a stream; without one there is no first token to time")
        .default("true")
        .also(&["streaming"])
        .off(&["no-stream", "disable-stream"])
        .file(&[(In::Workload, "stream")]),
    row("prompt-type", Request, Choice(&["short", "medium", "long"]), "Lengths by one word, input/output tokens: short 128/64, medium 512/256, long 4096/512; --input-len and --output-len win over it")
        .file(&[(In::Workload, "prompt_type")]),
    row("input-len", Request, Lengths, "Prompt length in tokens: 256, uniform 128:512, normal:MEAN,SD or lognormal:MEAN,SD (each also with ,MIN,MAX), or file:lens.txt (#COLUMN for a table)")
        .default("256")
        .also(&["random-input-len", "isl", "synthetic-input-tokens-mean", "sonnet-input-len", "prefix-repetition-suffix-len", "gsp-question-len"])
        .file(&[(In::Workload, "input_len")]),
    row("output-len", Request, Lengths, "Answer length in tokens, written like --input-len; auto leaves it to the server, for example 128 or 64:256")
        .default("128")
        .also(&["random-output-len", "osl", "output-tokens-mean", "max-tokens", "sonnet-output-len", "sharegpt-output-len", "custom-output-len", "prefix-repetition-output-len", "gsp-output-len"])
        .file(&[(In::Workload, "output_len"), (In::Workload, "max_tokens")]),
    row("input-len-stddev", Request, Number, "Standard deviation of --input-len in tokens: makes a fixed length a normal one")
        .also(&["isl-stddev", "synthetic-input-tokens-stddev"])
        .file(&[(In::Workload, "input_len_stddev")]),
    row("output-len-stddev", Request, Number, "Standard deviation of --output-len in tokens")
        .also(&["osl-stddev", "output-tokens-stddev"])
        .file(&[(In::Workload, "output_len_stddev")]),
    row("length-spread", Request, Share, "Makes fixed lengths uniform from so much below to so much above them, as vLLM does, for example 30%")
        .also(&["random-range-ratio"])
        .file(&[(In::Workload, "length_spread")]),
    row("dataset", Request, Text, "Prompts: synthetic (every prompt unique), sonnet (lines of verse), or a file: ShareGPT or JSON lines of prompts or messages, CSV, Parquet; see docs/DATA.md")
        .value("synthetic|sonnet|FILE")
        .default("synthetic")
        .also(&["dataset-path", "input-file"])
        .file(&[(In::Workload, "dataset")]),
    row("dataset-format", Request, Choice(&["auto", "sharegpt", "messages", "custom", "csv", "parquet"]), "What the rows of --dataset look like; auto looks at them")
        .also(&["dataset-name", "custom-dataset-type"])
        .file(&[(In::Workload, "dataset_format")]),
    row("prompt-column", Request, Text, "Column or key of --dataset that holds the prompt, where it has an unusual name")
        .value("NAME")
        .file(&[(In::Workload, "prompt_column")]),
    row("output-column", Request, Text, "Column or key of --dataset that holds the number of output tokens")
        .value("NAME")
        .file(&[(In::Workload, "output_column")]),
    row("prefix-len", Request, Count, "Tokens that every request shares with its group, before its own, for example 1024")
        .value("TOKENS")
        .also(&["random-prefix-len", "sonnet-prefix-len", "prefix-repetition-prefix-len", "gsp-system-prompt-len", "prefix-prompt-length"])
        .file(&[(In::Workload, "prefix_len")]),
    row("prefix-groups", Request, Count, "Different prefixes of --prefix-len, one drawn for each visit; 1 without it")
        .also(&["prefix-repetition-num-prefixes", "gsp-num-groups", "num-prefix-prompts", "prefix-prompt-pool-size"])
        .file(&[(In::Workload, "prefix_groups")]),
    row("distinct-prompts", Request, Count, "Different prompts in all, which later requests repeat; without it synthetic prompts never repeat, and a file's do when all were sent")
        .also(&["num-dataset-entries"])
        .file(&[(In::Workload, "distinct_prompts")]),
    row("cache", Request, Choice(&["cold", "warm", "mixed"]), "What prompts mean for a prefix cache, checked against its hits: cold (nothing repeats; rows of a file get a unique first line), warm (what repeats is sent in warm-up), mixed")
        .file(&[(In::Workload, "cache")]),
    row("turns", Request, Lengths, "Makes conversations of so many requests, written like --input-len; all takes those of --dataset whole; the server's answers become their history")
        .value("TURNS")
        .also(&["conversation-turn-mean", "gsp-num-turns"])
        .file(&[(In::Workload, "turns")]),
    row("think-time", Request, Text, "Pause before each later turn of a conversation: 2s, 1s:5s, exp:2s, normal:3s,1s or lognormal:3s,2s")
        .value("TIME")
        .file(&[(In::Workload, "think_time")]),
    row("cancel-rate", Request, Share, "Share of requests whose user goes away early; they count as cancelled, for example 10%")
        .also(&["request-cancellation-rate"])
        .file(&[(In::Workload, "cancel_rate")]),
    row("cancel-after", Request, Text, "When the users of --cancel-rate go away, for example 32tokens or 500ms")
        .value("TOKENS|TIME")
        .also(&["request-cancellation-delay"])
        .file(&[(In::Workload, "cancel_after")]),
    row("ignore-eos", Request, Switch, "Ask the server to produce exactly the asked length (vLLM and SGLang know ignore_eos)")
        .default("true")
        .off(&["no-ignore-eos", "disable-ignore-eos"])
        .file(&[(In::Workload, "ignore_eos")]),
    row("temperature", Request, Number, "Sampling temperature, for example 0; without it the server's own")
        .file(&[(In::Workload, "temperature")]),
    row("extra-body", Request, Json, "Fields merged into every request body, as a JSON object or as name:value; repeatable, for example '{\"top_p\": 0.9}'")
        .also(&["extra-request-body", "extra-inputs"])
        .file(&[(In::Workload, "extra_body")]),
    row("goodput", Request, Pairs, "Limits that a good request meets, bare numbers in ms: ttft, ttfo, tpot, max_stall, e2e, for example ttft:500,tpot:50; with --rate ttft and e2e count from the due time")
        .also(&["slo"])
        .file(&[(In::Workload, "slo")]),
    row("timeout", Wait, Duration, "Longest whole request, bare numbers in seconds; or several limits at once, for example first-token:30s,stall:20s,total:5m")
        .default("10m")
        .also(&["timeout-total", "request-timeout-seconds"])
        .file(&[(In::Workload, "timeout")]),
    row("timeout-first-token", Wait, Duration, "Longest wait for the first token, for example 120s")
        .default("120s")
        .file(&[(In::Workload, "timeout_first_token")]),
    row("timeout-stall", Wait, Duration, "Longest gap between two tokens, for example 60s")
        .default("60s")
        .file(&[(In::Workload, "timeout_stall")]),
    row("timeout-connect", Wait, Duration, "Longest wait for a connection, for example 10s")
        .default("10s")
        .file(&[(In::Workload, "timeout_connect")]),
    row("baseline-server", Gate, Texts, "Server of the baseline, beside --server: rounds of both alternate in pairs with the same prompts, which cancels most noise; no stored baseline is used, for example http://localhost:8001")
        .value("URL")
        .also(&["baseline-url"])
        .file(&[(In::Gate, "baseline_server")]),
    row("baseline-model", Gate, Text, "Model to ask the baseline server for, where it has another name there")
        .value("NAME")
        .file(&[(In::Gate, "baseline_model")]),
    row("baseline-server-command", Gate, Text, "Line of shell that starts the baseline's server, as --server-command; both are started anew for each round, in turn; what is not said of the baseline is as the candidate's")
        .value("LINE")
        .file(&[(In::Gate, "baseline_command")]),
    row("baseline-server-image", Gate, Text, "Image of the baseline's server, as --server-image, for example the one of the base branch")
        .value("IMAGE")
        .file(&[(In::Gate, "baseline_image")]),
    row("baseline-server-args", Gate, Words, "Words after the entrypoint of the baseline's image, where they differ from --server-args")
        .value("'WORDS'")
        .file(&[(In::Gate, "baseline_args")]),
    row("baseline-server-env", Gate, Pairs, "Environment variable of the baseline's server, as --server-env; one of the same name is replaced, all others stay")
        .value("NAME=VALUE")
        .file(&[(In::Gate, "baseline_env")]),
    row("server-turns", Gate, Choice(&["in-turn", "together"]), "Two servers that are both started: in-turn (never at the same time, each round a fresh start) or together (both stay up); in-turn without it")
        .file(&[(In::Gate, "server_turns")]),
    row("rounds", Gate, Counts, "Rounds, or pairs of rounds with --baseline-server, after which the evidence is looked at: the first look that decides ends the gate, the last one always; 5 without it, and 5,8,12 in pairs")
        .value("N,N")
        .file(&[(In::Gate, "rounds")]),
    row("tolerance", Gate, Pairs, "How much worse than the baseline each metric may be; replaces the whole default set, for example ttft_p95:15%,tpot_p95:7%")
        .also(&["tolerances"])
        .file(&[(In::Gate, "tolerances")]),
    row("objective", Gate, Texts, "Absolute limit, with or without a baseline; repeatable, for example 'ttft_p95 < 500ms' or 'goodput >= 95%'")
        .value("RULE")
        .also(&["slo-gate", "assert"])
        .file(&[(In::Gate, "objectives")]),
    row("alpha", Gate, Number, "Probability of each of the two wrong verdicts, false fail and false pass, for example 0.05")
        .default("0.05")
        .file(&[(In::Gate, "alpha")]),
    row("assumed-noise", Gate, Share, "Day-to-day noise while fewer than five sessions are stored; without it, what other baselines of this hardware show, else 3%")
        .default("3%")
        .file(&[(In::Gate, "assumed_noise")]),
    row("budget", Gate, Duration, "Time after which no further look is begun, bare numbers in minutes, for example 30m; what is decided then, is decided")
        .file(&[(In::Gate, "budget")]),
    row("robust", Gate, Switch, "From 8 pairs on, judge by exact sign-flip tests, which rounds that go astray move less than Student's t")
        .default("false")
        .file(&[(In::Gate, "robust")]),
    row("max-error-rate", Gate, Share, "Share of failed requests above which the gate fails by rule, for example 1%")
        .file(&[(In::Gate, "max_error_rate")]),
    row("require-baseline", Gate, Switch, "A missing baseline is an error instead of a first session")
        .default("false")
        .file(&[(In::Gate, "require_baseline")]),
    row("strict", Gate, Switch, "Exit with 4 when the verdict is inconclusive")
        .default("false")
        .file(&[(In::Gate, "strict")]),
    row("baselines", Gate, Text, "Folder of stored baselines")
        .value("DIR")
        .default("baselines")
        .also(&["baselines-dir"])
        .file(&[(In::Gate, "baselines")]),
    row("store", Gate, Text, "Where baselines and evidence live instead of folders: sqlite:FILE or postgres://USER@HOST/NAME; a password is better given in PGPASSWORD, because other users of a machine can see flags")
        .value("URL")
        .secret(),
    row("save-baseline", Gate, Switch, "Store this session as the first baseline where none exists")
        .default("true")
        .off(&["no-save-baseline"])
        .file(&[(In::Gate, "save_baseline")]),
    row("ledger", Gate, Text, "Folder of evidence: a gate of the same --head and --base with the same plan on the same machine adds to what is there and never starts over")
        .value("DIR")
        .default("llm-loadtest-results/ledger")
        .file(&[(In::Gate, "ledger")]),
    row("head", Gate, Text, "What is judged, for example the commit of the pull request; with it the evidence is kept in --ledger")
        .value("NAME"),
    row("base", Gate, Text, "What it is held against in pairs, for example the commit of the base branch")
        .value("NAME"),
    row("session-id", Gate, Text, "Name of this session among the stored ones, for example the commit").value("NAME"),
    row("config", Output, Text, "Configuration file, or folder with targets.yaml, models.yaml, workloads.yaml and gate.yaml; loadtest.yaml where it exists")
        .value("PATH")
        .short('f'),
    row("output", Output, Text, "Result file, or folder for it; requests.jsonl and summary.csv are written beside it")
        .value("PATH")
        .default("llm-loadtest-results/result.json")
        .short('o')
        .also(&["result-filename", "output-file", "output-path"]),
    row("junit", Output, Text, "Write a JUnit XML report").value("FILE"),
    row("markdown", Output, Text, "Write a Markdown report").value("FILE").also(&["summary"]),
    row("html", Output, Text, "Write an HTML report with charts, one file that needs nothing else").value("FILE").also(&["html-report"]),
    row("serve-to", Output, Text, "Server of llm-loadtest serve that gets the result and its requests, too; its key stands in LLM_LOADTEST_SERVE_KEY, for example https://bench.example")
        .value("URL"),
    row("explain", Output, Switch, "Print how the verdict came about: each number's test, from its rounds to its p-values").default("false"),
    row("quiet", Output, Switch, "Print the verdict and errors only").default("false"),
    row("json", Output, Switch, "Print the result document instead of tables").default("false"),
    row("command", Action, Choice(&["gate", "run", "compare", "report", "comment", "baseline"]), "What the step does: gate, run, compare (two results), report (judge a result that was measured elsewhere, by this checkout's configuration and baselines), comment (post results that are judged already) or baseline (offer a result as the newest stored session, in a pull request)")
        .default("gate"),
    row("candidate", Action, Texts, "Results that compare, report, comment and baseline work on; several, one a line, for comment")
        .value("FILE"),
    row("baseline", Action, Text, "Result that compare holds the candidate against").value("FILE"),
    row("baselines-from", Action, Choice(&["base", "checkout"]), "Where the baselines that judge a pull request come from: base (its base commit, asked for at GitHub) or checkout (the folder as it lies here)")
        .default("base"),
    row("fail-on", Action, Choice(&["regression", "inconclusive", "never"]), "Which verdicts fail the step: regression (fail and invalid), inconclusive (that one, too) or never; errors always do")
        .default("regression"),
    row("comment", Action, Choice(&["auto", "always", "on-change", "never"]), "Sticky comment: auto (where the event has a pull request), always (also on one that is found by the commit), on-change (as auto, and a new comment when the verdict turns) or never")
        .default("auto"),
    row("comment-key", Action, Text, "Tells the sticky comments of one pull request apart; the job's name without it").value("NAME"),
    row("matrix", Action, Text, "Filled in by action.yml: the job's matrix leg, which belongs to the comment's key"),
    row("status", Action, Choice(&["none", "status", "check"]), "Report the verdict on the commit, too: none, status (a commit status) or check (a check run)")
        .default("none"),
    row("annotations", Action, Switch, "Annotate the configuration file's lines with the verdicts of their rules")
        .default("true")
        .off(&["no-annotations"]),
    row("head-sha", Action, Text, "Commit that is reported on; from the event without it").value("SHA"),
    row("pr-number", Action, Count, "Pull request that is reported on; from the event without it"),
    row("repository", Action, Text, "Repository that is reported to; GITHUB_REPOSITORY without it").value("OWNER/NAME"),
    row("github-token", Action, Text, "Token for comment, status and stored baselines; GITHUB_TOKEN without it, and without either none of them")
        .value("TOKEN")
        .secret(),
];
