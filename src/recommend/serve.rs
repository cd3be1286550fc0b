//! A replica under load: steps that mix prompts and tokens, their balance, and the load at which limits break.

use super::laws::{crowd_within, mean_wait, wait_within};
use super::step::Work;

/// What a request is, in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths {
    /// Of the prompt, those of images included.
    pub input: f64,
    pub output: f64,
    /// Patches of the prompt's images.
    pub patches: f64,
}

impl Lengths {
    /// Tokens that a sequence holds in the KV cache, on average over its output.
    pub fn held(self) -> f64 {
        self.input + self.output / 2.0
    }
}

/// Limits in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    pub ttft: Option<f64>,
    pub tpot: Option<f64>,
    pub e2e: Option<f64>,
}

/// What ends a replica's capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Ttft,
    Tpot,
    E2e,
    /// Sequences that fit, or that the engine admits.
    Memory,
    /// More work than time.
    Throughput,
}

impl Ends {
    pub fn id(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Tpot => "tpot",
            Self::E2e => "e2e",
            Self::Memory => "memory",
            Self::Throughput => "throughput",
        }
    }
}

/// A replica whose steps cost what `step` says.
pub struct Station<'a> {
    pub step: &'a dyn Fn(&Work) -> f64,
    pub lengths: Lengths,
    /// Tokens of a step at most.
    pub chunk: f64,
    /// Sequences at once at most.
    pub sequences: f64,
    /// Share of requests that latencies are told of.
    pub share: f64,
    /// Arrivals come when they suit best, and steps mix without loss: the case that bounds every real one.
    pub ideal: bool,
}

/// A replica in balance. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub rate: f64,
    /// Mean duration of a step.
    pub step: f64,
    /// Sequences that get tokens, on average.
    pub batch: f64,
    pub ttft_mean: f64,
    pub e2e_mean: f64,
    /// Below these is the asked share of requests.
    pub ttft: f64,
    pub tpot: f64,
    pub e2e: f64,
}

/// Requests per second of a server that sees one in a day: each is alone.
pub(super) const ALONE: f64 = 1.0 / 86_400.0;
/// Steps to the balance. Near saturation each moves less; beyond these the load counts as too much.
const ROUNDS_MAX: usize = 400;

impl Station<'_> {
    /// The balance at `rate` requests per second: sequences in the batch are λ · tokens · step (Little 1961), while the
    /// step grows with the batch and with the prompts that arrive during it.
    pub fn at(&self, rate: f64) -> Result<Point, Ends> {
        if self.ideal { self.ideal_at(rate) } else { self.expected_at(rate) }
    }

    /// The balance within the limits.
    pub fn within(&self, rate: f64, limits: &Limits) -> Result<Point, Ends> {
        let point = self.at(rate)?;
        let Limits { ttft, tpot, e2e } = *limits;
        let broken = |limit: Option<f64>, value: f64| limit.is_some_and(|limit| value > limit);
        match () {
            () if broken(ttft, point.ttft) => Err(Ends::Ttft),
            () if broken(tpot, point.tpot) => Err(Ends::Tpot),
            () if broken(e2e, point.e2e) => Err(Ends::E2e),
            () => Ok(point),
        }
    }

    /// The highest rate within the limits and what ends it; what forbids even one request in a day where none is.
    pub fn capacity(&self, limits: &Limits) -> Result<(f64, Ends), Ends> {
        self.within(ALONE, limits)?;
        let mut good = ALONE;
        let (mut bad, mut why) = loop {
            let next = good * 2.0;
            match self.within(next, limits) {
                Ok(_) if next < 1e9 => good = next,
                Ok(_) => return Ok((next, Ends::Throughput)),
                Err(why) => break (next, why),
            }
        };
        while bad / good > 1.000_1 {
            let middle = f64::midpoint(good, bad);
            match self.within(middle, limits) {
                Ok(_) => good = middle,
                Err(reason) => (bad, why) = (middle, reason),
            }
        }
        Ok((good, why))
    }

    /// Seconds in which one prompt is read, beside `batch` sequences that go on.
    pub fn prefill(&self, batch: f64) -> f64 {
        let room = if self.ideal { f64::INFINITY } else { self.chunk - batch };
        let whole = (self.lengths.input / room).floor();
        let rest = self.lengths.input - if whole > 0.0 { whole * room } else { 0.0 };
        let full = if whole > 0.0 { whole * (self.step)(&self.work(batch, room)) } else { 0.0 };
        full + if rest > 0.0 { (self.step)(&self.work(batch, rest)) } else { 0.0 }
    }

    fn work(&self, batch: f64, prefill: f64) -> Work {
        Work {
            decoding: batch,
            context: self.lengths.held(),
            prefill,
            prefill_context: self.lengths.input / 2.0,
            patches: self.lengths.patches * prefill / self.lengths.input,
        }
    }

    fn ideal_at(&self, rate: f64) -> Result<Point, Ends> {
        let (input, making) = (self.lengths.input, (self.lengths.output - 1.0).max(0.0));
        let mut step = (self.step)(&self.work(1.0, 0.0));
        for _ in 0..ROUNDS_MAX {
            let batch = rate * making * step;
            if batch > self.sequences {
                return Err(Ends::Memory);
            }
            let next = (self.step)(&self.work(batch.max(1.0), rate * input * step));
            let settled = (next - step).abs() <= 1e-6 * step;
            step = next;
            if settled {
                let ttft = self.prefill(0.0);
                let e2e = ttft + making * step;
                return Ok(Point {
                    rate,
                    step,
                    batch,
                    ttft_mean: ttft,
                    e2e_mean: e2e,
                    ttft,
                    tpot: step,
                    e2e,
                });
            }
        }
        Err(Ends::Throughput)
    }

    fn expected_at(&self, rate: f64) -> Result<Point, Ends> {
        let (input, making) = (self.lengths.input, (self.lengths.output - 1.0).max(0.0));
        let mut step = (self.step)(&self.work(1.0, 0.0));
        for _ in 0..ROUNDS_MAX {
            let batch = rate * making * step;
            if batch > self.sequences {
                return Err(Ends::Memory);
            }
            let room = self.chunk - batch;
            if room < 1.0 {
                return Err(Ends::Throughput);
            }
            // Prompts that arrive during one step are read in the next one together.
            let piece = input.max(rate * input * step).min(room);
            let with = (self.step)(&self.work(batch.max(1.0), piece));
            let without = (self.step)(&self.work(batch.max(1.0), 0.0));
            let next = if rate * input / piece * with < 1.0 {
                // A sequence is held up by the prompts that come while it gets its tokens, and by those that came after
                // it while it was read itself.
                let pause = input / piece * (with - without);
                let behind = rate * pause * self.reading(rate, batch)? / making.max(1.0);
                ((without + behind) / (1.0 - rate * pause)).min(with)
            } else if piece < room {
                with
            } else {
                return Err(Ends::Throughput);
            };
            let settled = (next - step).abs() <= 1e-6 * step;
            step = next;
            if settled {
                return self.point(rate, step, batch);
            }
        }
        Err(Ends::Throughput)
    }

    /// Seconds from a prompt's arrival until it is read, on average.
    fn reading(&self, rate: f64, batch: f64) -> Result<f64, Ends> {
        let (rho, service) = self.queue(rate, batch)?;
        Ok(mean_wait(rho, service) + self.prefill(batch))
    }

    /// Load and service time of the queue of prompts: what waits is read in full steps.
    fn queue(&self, rate: f64, batch: f64) -> Result<(f64, f64), Ends> {
        let room = self.chunk - batch;
        let service = self.lengths.input / room * (self.step)(&self.work(batch.max(1.0), room));
        let rho = rate * service;
        if rho < 1.0 { Ok((rho, service)) } else { Err(Ends::Throughput) }
    }

    fn point(&self, rate: f64, step: f64, batch: f64) -> Result<Point, Ends> {
        let making = (self.lengths.output - 1.0).max(0.0);
        let (rho, service) = self.queue(rate, batch)?;
        let own = self.prefill(batch);
        // A request arrives somewhere within a step: half of it passes on average, all of it at worst.
        let ttft_mean = mean_wait(rho, service) + step / 2.0 + own;
        let ttft = wait_within(rho, service, self.share) + step + own;
        let held = rate * (ttft_mean + making * step);
        if crowd_within(held, self.share) > self.sequences {
            return Err(Ends::Memory);
        }
        let crowd = crowd_within(batch, self.share).max(1.0);
        let slower = (self.step)(&self.work(crowd, 0.0)) / (self.step)(&self.work(batch.max(1.0), 0.0));
        let tpot = step * slower;
        Ok(Point {
            rate,
            step,
            batch,
            ttft_mean,
            e2e_mean: ttft_mean + making * step,
            ttft,
            tpot,
            e2e: ttft + making * tpot,
        })
    }
}
