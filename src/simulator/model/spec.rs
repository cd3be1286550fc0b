//! `sim:h100-8b?ttft=+30%&seed=7` as a value.

use std::collections::BTreeSet;

use super::engine::Engine;
use super::fault::FaultRates;
use super::kv::BLOCK_TOKENS;
use super::profile::Profile;
use crate::base::{Nanos, Secret};

/// Everything that a simulated server is made from. Invariant (of `parse`): a request of `context` tokens fits the KV cache.
#[derive(Debug, Clone, PartialEq)]
pub struct SimSpec {
    pub profile: Profile,
    /// Whose wire it wears; none is vLLM's without claiming to be vLLM.
    pub engine: Option<Engine>,
    /// Planted relative change of the time to first token: 0.3 is 30 % slower.
    pub ttft: f64,
    /// Planted relative change of every gap between tokens.
    pub itl: f64,
    pub faults: FaultRates,
    /// How long the server refuses everything after its start.
    pub start: Nanos,
    /// Relative standard deviation of a step's time.
    pub noise: f64,
    /// Relative standard deviation of the speed from one server start to the next.
    pub shock: f64,
    /// Relative standard deviation of the speed from one session (day) to the next.
    pub session_noise: f64,
    pub seed: u64,
    /// Which session this is; not part of the text.
    pub session: u64,
    /// The served model's name.
    pub model: String,
    /// Adapters on top of it, served alike under their own names.
    pub adapters: Vec<String>,
    /// Tokens per stream chunk after the first, which always travels alone.
    pub chunk: u32,
    /// Whether usage is sent to those who ask for it.
    pub usage: bool,
    pub api_key: Option<Secret>,
    /// Tokens of each answer that are reasoning, where its API has a place for them.
    pub reasoning: u32,
}

/// A text that names no simulated server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("no simulated server is called '{name}'; known: {known}")]
    Profile { name: String, known: String },
    #[error("the simulator has no parameter '{name}'; known: {known}")]
    Parameter { name: String, known: String },
    #[error("'{value}' is no value for the simulator's {name}; write {wanted}")]
    Value { name: String, value: String, wanted: &'static str },
    #[error("the simulator's {name} is given twice")]
    Twice { name: String },
    #[error("the simulator's fault rates add up to more than 100%")]
    TooManyFaults,
}

const PARAMETERS: [&str; 26] = [
    "ttft",
    "itl",
    "tpot",
    "regression",
    "errors",
    "reject",
    "cut",
    "instream",
    "stall",
    "stall_ms",
    "start_ms",
    "noise",
    "shock",
    "session",
    "seed",
    "model",
    "models",
    "kv_blocks",
    "max_batch",
    "budget",
    "context",
    "chunk",
    "usage",
    "api_key",
    "engine",
    "reasoning",
];

impl SimSpec {
    /// Reads everything after `sim:`; a profile, `?`, and `name=value` pairs joined by `&`, all optional.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let engine = Engine::named(name);
        let profile = match name {
            "" => Profile::standard(),
            _ if engine.is_some() => Profile::standard(),
            name => Profile::named(name).ok_or_else(|| SpecError::Profile {
                name: name.to_owned(),
                known: Profile::names().chain(Engine::ALL.map(Engine::id)).collect::<Vec<_>>().join(", "),
            })?,
        };
        let mut spec = Self { engine, ..Self::of(profile.clone()) };
        let mut seen = BTreeSet::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = canonical(pair)?;
            spec.set(name, value)?;
            if !seen.insert(name) {
                return Err(SpecError::Twice { name: name.to_owned() });
            }
        }
        if spec.faults.total() > 1.0 + 1e-9 {
            return Err(SpecError::TooManyFaults);
        }
        // A longer request could never be answered, so the context ends where the cache does.
        spec.profile.context = spec.profile.context.min(spec.profile.kv_blocks.saturating_mul(BLOCK_TOKENS));
        Ok(spec)
    }

    /// Whether requests for this name are answered.
    pub fn serves(&self, name: &str) -> bool {
        name == self.model || self.adapters.iter().any(|adapter| adapter == name)
    }

    /// The same server on another day: its session shock is drawn anew.
    #[must_use]
    pub fn with_session(self, session: u64) -> Self {
        Self { session, ..self }
    }

    fn of(profile: Profile) -> Self {
        let model = match profile.name.rsplit_once('-') {
            Some((_, size)) => format!("sim-{size}"),
            None => format!("sim-{}", profile.name),
        };
        Self {
            profile,
            engine: None,
            ttft: 0.0,
            itl: 0.0,
            faults: FaultRates::default(),
            start: Nanos::ZERO,
            noise: 0.01,
            shock: 0.01,
            session_noise: 0.005,
            seed: 1,
            session: 0,
            model,
            adapters: Vec::new(),
            chunk: 1,
            usage: true,
            api_key: None,
            reasoning: 0,
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SpecError> {
        let pair = Pair { name, value };
        match name {
            "engine" => {
                let known = "vllm, sglang, llama-server, ollama, trtllm, tgi, triton or anthropic";
                self.engine = Some(Engine::named(value).ok_or_else(|| pair.wrong(known))?);
            }
            "ttft" => self.ttft = pair.change()?,
            "itl" => self.itl = pair.change()?,
            "errors" => self.faults.error = pair.share(1.0)?,
            "reject" => self.faults.reject = pair.share(1.0)?,
            "cut" => self.faults.cut = pair.share(1.0)?,
            "instream" => self.faults.instream = pair.share(1.0)?,
            "stall" => self.faults.stall = pair.share(1.0)?,
            "stall_ms" => self.faults.stall_for = pair.ms()?,
            "start_ms" => self.start = pair.ms()?,
            "noise" => self.noise = pair.share(0.5)?,
            "shock" => self.shock = pair.share(0.5)?,
            "session" => self.session_noise = pair.share(0.5)?,
            "seed" => self.seed = value.parse().ok().ok_or_else(|| pair.wrong("a whole number"))?,
            "model" if !value.is_empty() => value.clone_into(&mut self.model),
            "model" => return Err(pair.wrong("a name")),
            "models" if value.split(',').all(|name| !name.is_empty()) => {
                self.adapters = value.split(',').map(str::to_owned).collect();
            }
            "models" => return Err(pair.wrong("names of adapters, for example lora-a,lora-b")),
            "kv_blocks" => self.profile.kv_blocks = pair.count()?,
            "max_batch" => self.profile.max_batch = pair.count()?,
            "budget" => self.profile.budget = pair.count()?,
            "context" => self.profile.context = pair.count()?,
            "chunk" => self.chunk = pair.count()?,
            "reasoning" => self.reasoning = pair.count()?,
            "usage" => self.usage = pair.switch()?,
            "api_key" if !value.is_empty() => self.api_key = Some(Secret::new(value)),
            "api_key" => return Err(pair.wrong("a key")),
            _ => {
                return Err(SpecError::Parameter { name: name.to_owned(), known: PARAMETERS.join(", ") });
            }
        }
        Ok(())
    }
}

/// Splits `name=value` and gives the planted changes one name each, however they were written.
fn canonical(pair: &str) -> Result<(&str, &str), SpecError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let (name, value) = match name {
        "regression" => match value.split_once(':') {
            Some((metric @ ("ttft" | "itl" | "tpot"), change)) => (metric, change),
            _ => return Err(Pair { name, value }.wrong("for example ttft:+10% or itl:+5%")),
        },
        name => (name, value),
    };
    Ok((if name == "tpot" { "itl" } else { name }, value))
}

/// One parameter being read.
#[derive(Clone, Copy)]
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
}

impl Pair<'_> {
    /// `+30%` as 0.3. Below -90 % and above a hundredfold nothing sensible is left to simulate.
    fn change(self) -> Result<f64, SpecError> {
        self.percent()
            .filter(|change| (-0.9..=100.0).contains(change))
            .ok_or_else(|| self.wrong("a percent from -90% to +10000%, for example +30%"))
    }

    fn share(self, most: f64) -> Result<f64, SpecError> {
        self.percent().filter(|share| (0.0..=most).contains(share)).ok_or_else(|| match most {
            1.0.. => self.wrong("a percent from 0% to 100%, for example 1%"),
            _ => self.wrong("a percent from 0% to 50%, for example 1%"),
        })
    }

    fn percent(self) -> Option<f64> {
        let number: f64 = self.value.strip_suffix('%')?.parse().ok()?;
        Some(number / 100.0)
    }

    /// Milliseconds up to an hour.
    fn ms(self) -> Result<Nanos, SpecError> {
        let ms: Option<f64> = self.value.parse().ok();
        ms.filter(|ms| (0.0..=3_600_000.0).contains(ms))
            .map(Nanos::from_ms)
            .ok_or_else(|| self.wrong("milliseconds, for example 500"))
    }

    /// A count that leaves room for arithmetic in 32 bits.
    fn count(self) -> Result<u32, SpecError> {
        let count: Option<u32> = self.value.parse().ok();
        count
            .filter(|count| (1..=10_000_000).contains(count))
            .ok_or_else(|| self.wrong("a whole number from 1 to 10000000"))
    }

    fn switch(self) -> Result<bool, SpecError> {
        match self.value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(self.wrong("on or off")),
        }
    }

    fn wrong(self, wanted: &'static str) -> SpecError {
        SpecError::Value { name: self.name.to_owned(), value: self.value.to_owned(), wanted }
    }
}
