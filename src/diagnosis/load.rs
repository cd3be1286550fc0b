//! Several clients at once: does the server work on their requests together?

use super::check::{Check, Diagnosis, diagnosis};
use super::facts::Parallel;

/// Together, clients get at least so many times what one gets alone, or they are served one after the other.
const BATCHES: f64 = 1.5;

pub(super) fn checks(parallel: &Parallel) -> Vec<Check> {
    let Parallel { clients, alone, together } = parallel;
    let failed = [alone, together].into_iter().find(|speed| speed.succeeded < speed.offered);
    if let Some(speed) = failed {
        let count = speed.offered - speed.succeeded;
        let words = speed.failures.clone().unwrap_or_default();
        return vec![Check::failed(
            "parallel",
            format!("{count} of {} requests failed: {words}", speed.offered),
            diagnosis([
                "requests fail only under load".to_owned(),
                "the server sheds load, runs out of memory, or closes connections".to_owned(),
                words,
                "look into its log; raise its limits of queue and batch; check proxies between for limits of connections".to_owned(),
                format!("doctor's check 'parallel' has {clients} clients without a failure"),
            ]),
        )];
    }
    let gain = together.requests / alone.requests.max(1e-9);
    let found = format!(
        "{clients} clients get {gain:.1} times what one gets ({:.1} against {:.1} req/s){}",
        together.requests,
        alone.requests,
        first_tokens(parallel)
    );
    if gain >= BATCHES {
        return vec![Check::fine("parallel", found)];
    }
    vec![Check::warning("parallel", found, serial(parallel, gain))]
}

fn first_tokens(parallel: &Parallel) -> String {
    match (parallel.alone.ttft_ms, parallel.together.ttft_ms) {
        (Some(alone), Some(together)) => format!(", TTFT {alone:.0} ms alone and {together:.0} ms together"),
        _ => String::new(),
    }
}

fn serial(parallel: &Parallel, gain: f64) -> Diagnosis {
    let Parallel { clients, alone, together } = parallel;
    // One after the other: whoever comes in the middle waits for half of the others to be done.
    let queues = alone.e2e_ms.zip(together.ttft_ms).is_some_and(|(one, ttft)| ttft > one);
    let cause = if queues {
        "the server works on one request at a time: the others wait in its queue"
    } else {
        "the server is at its limit with one client already"
    };
    let evidence = format!(
        "{gain:.1} times the throughput with {clients} clients; E2E {} alone, {} together",
        ms(alone.e2e_ms),
        ms(together.e2e_ms)
    );
    diagnosis([
        "concurrency does nothing: throughput stays, latency grows".to_owned(),
        cause.to_owned(),
        evidence,
        "switch batching on: vLLM --max-num-seqs, SGLang --max-running-requests, llama-server -np N, Ollama OLLAMA_NUM_PARALLEL, transformers --continuous-batching; check for a proxy that passes one request at a time".to_owned(),
        format!("doctor's check 'parallel' shows a gain above {BATCHES}"),
    ])
}

fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.0} ms"))
}
