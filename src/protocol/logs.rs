//! Lines of servers' logs that say how they fare: vLLM's every ten seconds, SGLang's of every batch, llama-server's of every request.

/// What one line says. What it does not say is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LogReading {
    /// Tokens per second of the whole server.
    pub prompt_throughput: Option<f64>,
    pub generation_throughput: Option<f64>,
    /// Tokens per second of one request while it was answered.
    pub request_speed: Option<f64>,
    /// Requests.
    pub running: Option<f64>,
    pub waiting: Option<f64>,
    /// Share of the KV cache in use, in `0..=1`.
    pub kv_usage: Option<f64>,
    /// Share of the prompt tokens that were found in the prefix cache, in `0..=1`.
    pub prefix_hits: Option<f64>,
}

/// Which server writes such a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    Vllm,
    Sglang,
    LlamaServer,
}

impl LogSource {
    pub fn id(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::LlamaServer => "llama-server",
        }
    }
}

/// Reads a line; none where it says nothing of the kind.
pub fn log_line(line: &str) -> Option<(LogSource, LogReading)> {
    let (source, reading) = if line.contains("Avg generation throughput: ") {
        (LogSource::Vllm, vllm(line))
    } else if line.contains("Decode batch") || line.contains("Prefill batch") {
        (LogSource::Sglang, sglang(line))
    } else if line.contains(" eval time =") && !line.contains("prompt eval time") {
        (LogSource::LlamaServer, llama_server(line))
    } else {
        return None;
    };
    (reading != LogReading::default()).then_some((source, reading))
}

/// `Avg prompt throughput: 408.0 tokens/s, Avg generation throughput: 1708.6 tokens/s, Running: 16 reqs, Waiting: 0 reqs, GPU KV cache
/// usage: 4.1%, Prefix cache hit rate: 0.0%`; the hit rate is that of the last thousand requests.
fn vllm(line: &str) -> LogReading {
    LogReading {
        prompt_throughput: after(line, "Avg prompt throughput: "),
        generation_throughput: after(line, "Avg generation throughput: "),
        running: after(line, "Running: "),
        waiting: after(line, "Waiting: "),
        kv_usage: after(line, "KV cache usage: ").map(|percent| percent / 100.0),
        prefix_hits: after(line, "Prefix cache hit rate: ").map(|percent| percent / 100.0),
        request_speed: None,
    }
}

/// `Decode batch, #running-req: 16, #token: 2154, token usage: 0.11, …, gen throughput (token/s): 424.15, #queue-req: 0`, and
/// `Prefill batch, #new-seq: 15, #new-token: 366, #cached-token: 494, …, input throughput (token/s): 2021.63`.
fn sglang(line: &str) -> LogReading {
    let hits = after(line, "#new-token: ").zip(after(line, "#cached-token: "));
    LogReading {
        prompt_throughput: after(line, "input throughput (token/s): "),
        generation_throughput: after(line, "gen throughput (token/s): "),
        running: after(line, "#running-req: "),
        waiting: after(line, "#queue-req: "),
        kv_usage: after(line, "token usage: "),
        prefix_hits: hits
            .filter(|(new, cached)| new + cached > 0.0)
            .map(|(new, cached)| cached / (new + cached)),
        request_speed: None,
    }
}

/// `eval time =     472.03 ms /   128 tokens (    3.72 ms per token,   269.05 tokens per second)`.
fn llama_server(line: &str) -> LogReading {
    let before = line.split(" tokens per second").next().filter(|before| before.len() < line.len());
    let speed = before.and_then(|before| before.rsplit([',', '(', ' ']).find(|word| !word.is_empty()));
    LogReading { request_speed: speed.and_then(number), ..LogReading::default() }
}

/// The number behind these words.
fn after(line: &str, words: &str) -> Option<f64> {
    let rest = line.get(line.find(words)? + words.len()..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    number(rest.get(..end)?)
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_of_vllm_is_read() {
        let line = "(APIServer pid=18822) INFO 11-22 00:14:13 [loggers.py:335] Engine 000: Avg prompt throughput: 408.0 tokens/s, Avg generation throughput: 1708.6 tokens/s, Running: 16 reqs, Waiting: 3 reqs, GPU KV cache usage: 4.5%, Prefix cache hit rate: 25.0%";
        assert_eq!(
            log_line(line),
            Some((
                LogSource::Vllm,
                LogReading {
                    prompt_throughput: Some(408.0),
                    generation_throughput: Some(1_708.6),
                    running: Some(16.0),
                    waiting: Some(3.0),
                    kv_usage: Some(0.045),
                    prefix_hits: Some(0.25),
                    request_speed: None,
                }
            ))
        );
    }

    #[test]
    fn the_batches_of_sglang_are_read() {
        let decode = "[2026-11-22 00:39:37] Decode batch, #running-req: 16, #token: 2154, token usage: 0.11, cpu graph: False, gen throughput (token/s): 424.15, #queue-req: 2";
        let reading = log_line(decode).unwrap().1;
        assert_eq!((reading.running, reading.waiting, reading.kv_usage), (Some(16.0), Some(2.0), Some(0.11)));
        assert_eq!((reading.generation_throughput, reading.prefix_hits), (Some(424.15), None));
        let prefill = "[2026-11-22 00:39:46] Prefill batch, #new-seq: 15, #new-token: 366, #cached-token: 494, token usage: 0.04, #running-req: 1, #queue-req: 0, #pending-token: 0, cpu graph: False, input throughput (token/s): 2021.63";
        let (source, reading) = log_line(prefill).unwrap();
        assert_eq!((source.id(), reading.prompt_throughput), ("sglang", Some(2_021.63)));
        assert_eq!(reading.prefix_hits, Some(494.0 / 860.0));
    }

    #[test]
    fn the_timings_of_llama_server_are_read() {
        let line = "0.34.260.255 I slot print_timing: id 12 | task 2731 |        eval time =     472.03 ms /   128 tokens (    3.72 ms per token,   269.05 tokens per second)";
        let (source, reading) = log_line(line).unwrap();
        assert_eq!((source, reading.request_speed), (LogSource::LlamaServer, Some(269.05)));
        let prompt = line.replace("       eval time", "prompt eval time");
        assert_eq!(log_line(&prompt), None);
        assert_eq!(log_line("slot print_timing: total time = 519.95 ms / 176 tokens"), None);
        assert_eq!(log_line("print_timing: | eval time = inf ms"), None);
    }

    proptest! {
        #[test]
        fn no_line_brings_anything_but_numbers(line in "\\PC*", at in 0_usize..3) {
            let head = ["Avg generation throughput: ", "Decode batch #running-req: ", " eval time = "][at];
            if let Some((_, reading)) = log_line(&format!("{head}{line}")) {
                let LogReading { prompt_throughput, generation_throughput, request_speed, running, waiting, kv_usage, prefix_hits } = reading;
                for number in [prompt_throughput, generation_throughput, request_speed, running, waiting, kv_usage, prefix_hits].into_iter().flatten() {
                    prop_assert!(number.is_finite() && number >= 0.0);
                }
            }
        }
    }
}
