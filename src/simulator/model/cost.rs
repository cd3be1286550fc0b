//! How long a step takes.

use super::profile::Profile;
use super::spec::SimSpec;
use crate::base::{Chance, Nanos, Seed};

/// The work of one step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    pub prefill_tokens: u32,
    pub decoding: u32,
    /// Tokens of KV cache that the step's sequences read.
    pub kv_tokens: u64,
}

/// The clockwork of one server start: its own speed, and the noise of its steps.
#[derive(Debug)]
pub(super) struct Cost {
    speed: f64,
    noise: f64,
    chance: Chance,
}

impl Cost {
    /// `hurry` scales every step (1 is the profile's own speed).
    pub(super) fn new(spec: &SimSpec, start: u64, hurry: f64) -> Self {
        let session = Seed(spec.seed).child("session").at(spec.session);
        let this_start = session.child("start").at(start);
        let speed = log_normal(spec.session_noise, session.chance().normal())
            * log_normal(spec.shock, this_start.chance().normal());
        Self { speed: speed * hurry, noise: spec.noise, chance: this_start.child("steps").chance() }
    }

    /// The time of the next step: a linear cost, times this start's speed, times this step's noise. Never zero.
    pub(super) fn step(&mut self, profile: &Profile, work: Work) -> Nanos {
        let ns = (profile.step_us
            + f64::from(work.prefill_tokens) * profile.prefill_us
            + f64::from(work.decoding) * profile.decode_us)
            * 1e3
            + work.kv_tokens as f64 * profile.kv_read_ns;
        let noise = log_normal(self.noise, self.chance.normal());
        Nanos(((ns * self.speed * noise).round() as u64).max(1))
    }
}

/// A log-normal factor with mean 1 whose logarithm has the given standard deviation.
fn log_normal(sd: f64, normal: f64) -> f64 {
    (sd * normal - sd * sd / 2.0).exp()
}
