//! What the server would tell about itself on `/metrics`.

use super::engine::Engine;

/// Totals since the server's start. Prefix counts are in tokens, as vLLM's are.
#[derive(Debug, Clone)]
pub struct Counters {
    pub preemptions: u64,
    pub prefix_queries: u64,
    pub prefix_hits: u64,
    pub prompt_tokens: u64,
    pub generation_tokens: u64,
    /// Requests that reached their last token.
    pub finished: u64,
    /// Requests that were cancelled or cut.
    pub aborted: u64,
    /// Requests that ended in an error.
    pub failed: u64,
    /// Requests turned away at the door.
    pub rejected: u64,
    /// Steps of the engine.
    pub steps: u64,
    /// Sequences in the batch, summed over the steps.
    pub busy: u64,
    /// Seconds from arrival to the first token.
    pub ttft: Histogram,
    /// Seconds from one token to the next.
    pub itl: Histogram,
    /// Seconds from arrival to the last token.
    pub e2e: Histogram,
    /// Seconds in the queue, of finished requests as all that follow.
    pub queue: Histogram,
    /// Seconds from the queue to the first token.
    pub prefill: Histogram,
    /// Seconds from the first token to the last.
    pub decode: Histogram,
    /// Seconds from the queue to the last token.
    pub inference: Histogram,
    /// Seconds per token after the first, one value per request of two tokens or more.
    pub tpot: Histogram,
}

/// What is inside the server at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauges {
    pub running: usize,
    pub waiting: usize,
    /// Share of KV blocks in use, in `0.0..=1.0`.
    pub kv_usage: f64,
}

/// Counts of values below fixed bounds, as Prometheus keeps them.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Upper bound and number of values up to it, rising; the infinite bound is not among them.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut total = 0;
        self.bounds.iter().zip(&self.counts).map(move |(bound, count)| {
            total += count;
            (*bound, total)
        })
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    pub(super) fn record(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += 1;
        self.sum += value;
    }

    /// One more count than bounds: the last is for values above all of them.
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }
}

/// Upper bounds of an engine's histograms.
struct Bounds {
    ttft: &'static [f64],
    /// Of the time from token to token, by token and by request.
    itl: &'static [f64],
    e2e: &'static [f64],
    queue: &'static [f64],
}

impl Counters {
    pub(super) fn new(engine: Option<Engine>) -> Self {
        let Bounds { ttft, itl, e2e, queue } = Bounds::of(engine);
        Self {
            preemptions: 0,
            prefix_queries: 0,
            prefix_hits: 0,
            prompt_tokens: 0,
            generation_tokens: 0,
            finished: 0,
            aborted: 0,
            failed: 0,
            rejected: 0,
            steps: 0,
            busy: 0,
            ttft: Histogram::new(ttft),
            itl: Histogram::new(itl),
            e2e: Histogram::new(e2e),
            queue: Histogram::new(queue),
            prefill: Histogram::new(e2e),
            decode: Histogram::new(e2e),
            inference: Histogram::new(e2e),
            tpot: Histogram::new(itl),
        }
    }
}

impl Bounds {
    /// SGLang 0.5's and vLLM 0.32's; the others' are not known here, and vLLM's stand for them.
    fn of(engine: Option<Engine>) -> Self {
        match engine {
            Some(Engine::Sglang) => Self {
                ttft: &SGLANG_BOUNDS[..18],
                itl: &SGLANG_ITL_BOUNDS,
                e2e: &SGLANG_BOUNDS,
                queue: &SGLANG_QUEUE_BOUNDS,
            },
            _ => Self { ttft: &TTFT_BOUNDS, itl: &ITL_BOUNDS, e2e: &E2E_BOUNDS, queue: &E2E_BOUNDS },
        }
    }
}

static SGLANG_BOUNDS: [f64; 22] = [
    0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 200.0, 400.0,
    600.0, 1200.0, 1800.0, 2400.0,
];
static SGLANG_ITL_BOUNDS: [f64; 23] = [
    0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6,
    0.8, 1.0, 2.0, 4.0, 6.0, 8.0,
];
static SGLANG_QUEUE_BOUNDS: [f64; 40] = [
    0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0,
    50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0,
    1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0, 3000.0,
];
/// vLLM 0.32's buckets, in seconds.
static TTFT_BOUNDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
    80.0, 160.0, 640.0, 2560.0,
];
static ITL_BOUNDS: [f64; 19] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
];
static E2E_BOUNDS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
    960.0, 1920.0, 7680.0,
];
