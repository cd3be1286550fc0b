//! The generative model of serving noise: what a round of 1,000 requests measures on a machine that is never twice the same.
//!
//! A latency is the request's own part × exp(shock of the round + queue + noise + bursts). The shock is the sum of the session's,
//! a drift inside the session, the server start's, the round's own, and rarely a bad round's. The queue is autoregressive from
//! request to request, so that requests of one round are far from independent. Everything is a pure function of seeds.

use std::sync::LazyLock;

use llm_loadtest::base::{Chance, Seed};
use llm_loadtest::stats::normal_quantile;

/// Requests of a round.
pub(crate) const REQUESTS: usize = 1_000;

/// How unquiet a machine is. Standard deviations of the log of latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Noise {
    pub(crate) name: &'static str,
    /// From one session to the next.
    pub(crate) session: f64,
    /// Of the slow drift inside a session (autoregressive, 0.8 from round to round).
    pub(crate) drift: f64,
    /// From one start of the server to the next.
    pub(crate) start: f64,
    /// From one round to the next.
    pub(crate) round: f64,
    /// How often a round is a bad one, and by how much on average (exponential).
    pub(crate) bad: (f64, f64),
}

pub(crate) const QUIET: Noise =
    Noise { name: "quiet", session: 0.010, drift: 0.005, start: 0.005, round: 0.007, bad: (0.01, 0.15) };
pub(crate) const TYPICAL: Noise =
    Noise { name: "typical", session: 0.025, drift: 0.015, start: 0.010, round: 0.020, bad: (0.03, 0.20) };
pub(crate) const NOISY: Noise =
    Noise { name: "noisy", session: 0.050, drift: 0.040, start: 0.025, round: 0.050, bad: (0.08, 0.30) };
pub(crate) const NOISES: [Noise; 3] = [QUIET, TYPICAL, NOISY];

impl Noise {
    /// The true sd between sessions: of the session itself, and of the drift's mean over the few rounds of one.
    pub(crate) fn between_sessions(self) -> f64 {
        self.session.hypot(self.drift)
    }
}

/// Share of the drift that is still there in the next round.
const DRIFT_KEPT: f64 = 0.8;
/// Share of the queue's state that the next request finds.
const QUEUE_KEPT: f64 = 0.95;
/// How much of a shock the time per output token feels; the time to first token feels all of it.
const TPOT_FEELS: f64 = 0.63;

/// One session on a machine: a stream of shocks, one per round, in the order of time.
pub(crate) struct Session {
    noise: Noise,
    shock: f64,
    drift: f64,
    chance: Chance,
}

impl Session {
    pub(crate) fn open(noise: Noise, seed: Seed) -> Self {
        let mut chance = seed.child("session").chance();
        let shock = noise.session * chance.normal();
        let drift = noise.drift * chance.normal();
        Self { noise, shock, drift, chance }
    }

    /// The shock of the next round, on a freshly started server.
    pub(crate) fn next(&mut self) -> f64 {
        let Noise { drift, start, round, bad: (often, size), .. } = self.noise;
        let chance = &mut self.chance;
        let fresh = (1.0 - DRIFT_KEPT * DRIFT_KEPT).sqrt();
        self.drift = DRIFT_KEPT * self.drift + fresh * drift * chance.normal();
        let bad = if chance.unit() < often { size * chance.exponential() } else { 0.0 };
        self.shock + self.drift + start.hypot(round) * chance.normal() + bad
    }
}

/// What the requests of a round ask for: the part of a latency that both sides of a pair share.
pub(crate) struct Work {
    /// Log of the time to first token beyond its typical value.
    first: Vec<f64>,
    /// Log of the time per token beyond its typical value.
    each: Vec<f64>,
    /// Output tokens.
    tokens: Vec<f64>,
}

impl Work {
    pub(crate) fn draw(seed: Seed) -> Self {
        let mut bell = Bell::new(seed.child("work"));
        let mut work = Self { first: Vec::new(), each: Vec::new(), tokens: Vec::new() };
        for _ in 0..REQUESTS {
            let [prompt, cache, length] = bell.three();
            work.first.push(FIRST_SPREAD * prompt.min(PROMPT_MOST));
            work.each.push(EACH_SPREAD * (0.6 * prompt + 0.8 * cache));
            work.tokens.push((256.0 * (LENGTH_SPREAD * length).exp()).clamp(16.0, 1_024.0).round());
        }
        work
    }
}

// Log-sds over requests, chosen so that rounds scatter as the table `reference` says.
const FIRST_SPREAD: f64 = 0.75;
const PROMPT_MOST: f64 = 2.2;
const EACH_SPREAD: f64 = 0.22;
const LENGTH_SPREAD: f64 = 0.5;
const FIRST_QUEUE: f64 = 0.085;
const EACH_QUEUE: f64 = 0.032;
const FIRST_NOISE: f64 = 0.20;
const EACH_NOISE: f64 = 0.10;
/// Chance that a burst begins at a request, and that it goes on to the next one.
const BURST_BEGINS: f64 = 0.002;
const BURST_KEPT: f64 = 0.75;
const EACH_BURST: f64 = 0.15;
/// Limits that make a request good: TTFT and TPOT in ms.
const GOOD: (f64, f64) = (1_200.0, 36.0);
/// Clients that are never idle; their number divides the time that all requests took together.
const CLIENTS: f64 = 32.0;
/// Uniform slowdowns that a round's good requests are counted for at once, by the indices below.
pub(crate) const SLOWDOWNS: [f64; 4] = [1.0, 1.05, 1.1, 1.2];
pub(crate) const BY_5: usize = 1;
pub(crate) const BY_10: usize = 2;
pub(crate) const BY_20: usize = 3;

/// What was measured in a round. Times in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    /// p50, p95 and p99.
    pub(crate) ttft: [f64; 3],
    pub(crate) tpot: [f64; 3],
    pub(crate) e2e: [f64; 3],
    /// Output tokens per second.
    pub(crate) throughput: f64,
    /// Good requests, if every latency were so much longer.
    pub(crate) good: [u64; SLOWDOWNS.len()],
    /// Output tokens of all requests together.
    pub(crate) tokens: u64,
}

/// Serves the work once.
pub(crate) fn serve(work: &Work, shock: f64, seed: Seed) -> Measured {
    let mut bell = Bell::new(seed.child("round"));
    let fresh = (1.0 - QUEUE_KEPT * QUEUE_KEPT).sqrt();
    let (first_level, each_level) = (140.0_f64.ln() + shock, 22.0_f64.ln() + TPOT_FEELS * shock);
    let [mut queue, ..] = bell.three();
    let mut burst = 0.0;
    let mut times: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(REQUESTS));
    let (mut good, mut busy) = ([0; SLOWDOWNS.len()], 0.0);
    for ((&first, &each), &tokens) in work.first.iter().zip(&work.each).zip(&work.tokens) {
        let [step, one, two] = bell.three();
        queue = QUEUE_KEPT * queue + fresh * step;
        burst = bell.burst(burst);
        let ttft = (first_level + first + FIRST_QUEUE * queue + FIRST_NOISE * one + burst).exp();
        let tpot = (each_level + each + EACH_QUEUE * queue + EACH_NOISE * two + EACH_BURST * burst).exp();
        let e2e = ttft + tpot * (tokens - 1.0);
        for (good, slower) in good.iter_mut().zip(SLOWDOWNS) {
            *good += u64::from(ttft * slower <= GOOD.0 && tpot * slower <= GOOD.1);
        }
        busy += e2e;
        for (times, time) in times.iter_mut().zip([ttft, tpot, e2e]) {
            times.push(time);
        }
    }
    let tokens: f64 = work.tokens.iter().sum();
    let [ttft, tpot, e2e] = times.map(|mut times| quantiles(&mut times));
    Measured { ttft, tpot, e2e, throughput: CLIENTS * 1e3 * tokens / busy, good, tokens: tokens as u64 }
}

/// p50, p95 and p99 of type 7 (Hyndman and Fan 1996), by selection instead of sorting.
fn quantiles(values: &mut [f64]) -> [f64; 3] {
    let last = values.len() - 1;
    let mut from = 0;
    [0.50, 0.95, 0.99].map(|q| {
        let place = q * last as f64;
        let below = place as usize;
        let (_, &mut low, rest) = values[from..].select_nth_unstable_by(below - from, f64::total_cmp);
        let next = rest.iter().copied().fold(f64::INFINITY, f64::min);
        from = below;
        low + (place - below as f64) * (next - low).max(0.0)
    })
}

/// Draws by the thousand: a normal one is one of 4,096 equally likely quantiles, twelve bits of chance.
struct Bell(Chance);

static BELL: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..4_096).map(|step| normal_quantile((f64::from(step) + 0.5) / 4_096.0)).collect());

impl Bell {
    fn new(seed: Seed) -> Self {
        Self(seed.chance())
    }

    /// Three normal draws.
    fn three(&mut self) -> [f64; 3] {
        let bits = self.0.bits();
        [0, 12, 24].map(|shift| BELL[(bits >> shift) as usize & 4_095])
    }

    /// The burst that the next request is in, by the log of its latency; 0 for none.
    fn burst(&mut self, last: f64) -> f64 {
        let dice = self.0.unit();
        match last > 0.0 {
            true if dice < BURST_KEPT => last,
            false if dice < BURST_BEGINS => 0.8 + 0.5 * self.0.exponential(),
            _ => 0.0,
        }
    }
}
