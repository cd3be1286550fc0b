//! What the server would tell about itself on `/metrics`.

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
    /// Seconds from arrival to the first token.
    pub ttft: Histogram,
    /// Seconds from one token to the next.
    pub itl: Histogram,
    /// Seconds from arrival to the last token.
    pub e2e: Histogram,
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

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            preemptions: 0,
            prefix_queries: 0,
            prefix_hits: 0,
            prompt_tokens: 0,
            generation_tokens: 0,
            finished: 0,
            aborted: 0,
            failed: 0,
            ttft: Histogram::new(&TTFT_BOUNDS),
            itl: Histogram::new(&ITL_BOUNDS),
            e2e: Histogram::new(&E2E_BOUNDS),
        }
    }
}

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
