//! The question, checked, and its answer: every GPU at every degree of parallelism, the best of each, cheapest first.

use super::option::{Abilities, Choice};
use super::serve::ALONE;
use super::{
    Calibration, Efficiencies, Ends, EngineDefaults, Gpu, KvPrecision, Lengths, Limits, Model, Point,
    Precision, Prices, Replica,
};

/// How the load arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Demand {
    /// Requests per second, at random (Poisson).
    Rate(f64),
    /// People who ask, wait, think for so many seconds, and ask again.
    Users { users: f64, think: f64 },
}

/// A checked question.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub model: Model,
    pub demand: Demand,
    pub lengths: Lengths,
    pub limits: Limits,
    /// Share of requests that shall meet each limit, in 0..1.
    pub attainment: f64,
    /// Share of a replica's capacity that stays free, in 0..1.
    pub headroom: f64,
    pub gpus: Vec<&'static Gpu>,
    pub precision: Precision,
    pub kv: KvPrecision,
    pub max_gpus: Option<u32>,
    pub prices: Prices,
    pub calibration: Option<Calibration>,
}

/// What was taken for granted, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    pub name: String,
    pub value: String,
    pub source: String,
}

/// A GPU that cannot serve the load.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub gpu: &'static Gpu,
    /// `memory`, `ttft`, `tpot`, `e2e`, `throughput`, `precision` or `max_gpus`.
    pub bound: &'static str,
    pub reason: String,
    /// Whether physics forbids it, rather than what is assumed.
    pub physics: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    pub options: Vec<Choice>,
    pub refused: Vec<Refusal>,
    pub assumptions: Vec<Assumption>,
    pub notes: Vec<String>,
}

/// GPUs that share a layer: what servers of up to eight hold.
const DEGREES: [u32; 4] = [1, 2, 4, 8];

/// Looks at every GPU that was asked for.
pub fn recommend(ask: &Ask) -> Recommendation {
    let mut options = Vec::new();
    let mut refused = Vec::new();
    for gpu in &ask.gpus {
        match best(ask, gpu) {
            Ok(choice) => options.push(choice),
            Err(refusal) => refused.push(refusal),
        }
    }
    let cost = |choice: &Choice| choice.usd_per_hour.unwrap_or(f64::INFINITY);
    options.sort_by(|one, other| cost(one).total_cmp(&cost(other)).then(one.gpus.cmp(&other.gpus)));
    Recommendation { assumptions: assumptions(ask), notes: notes(ask), options, refused }
}

/// The option of one GPU with the fewest GPUs, and of those the fastest.
fn best(ask: &Ask, gpu: &'static Gpu) -> Result<Choice, Refusal> {
    if ask.precision.peak(gpu).is_none() {
        let reason = format!("{} runs no {} weights", gpu.name, ask.precision.id());
        return Err(Refusal { gpu, bound: "precision", reason, physics: true });
    }
    let efficiencies = ask.efficiencies(gpu);
    let most = ask.max_gpus.unwrap_or(u32::MAX);
    let mut found: Option<Choice> = None;
    let mut why = None;
    for gpus in
        DEGREES.into_iter().filter(|gpus| *gpus <= most && ask.model.heads.is_multiple_of(u64::from(*gpus)))
    {
        let replica = Replica { model: &ask.model, gpu, gpus, precision: ask.precision, kv: ask.kv };
        let abilities = ask.abilities(&replica, &efficiencies);
        let Some(choice) = ask.choice(&replica, &abilities) else {
            why = Some(refusal(ask, &replica, &abilities));
            continue;
        };
        if choice.gpus > most {
            why = Some(too_many(&choice, most));
            continue;
        }
        let better = |old: &Choice| {
            choice.gpus < old.gpus
                || (choice.gpus == old.gpus && choice.served.e2e.expected < old.served.e2e.expected)
        };
        if found.as_ref().is_none_or(better) {
            found = Some(choice);
        }
    }
    found.ok_or_else(|| {
        why.unwrap_or_else(|| Refusal {
            gpu,
            bound: "max_gpus",
            reason: "no GPU is allowed: --max-gpus is 0".to_owned(),
            physics: false,
        })
    })
}

fn too_many(choice: &Choice, most: u32) -> Refusal {
    let bound = choice.replicas.bound.unwrap_or(1.0) * f64::from(choice.gpus_per_replica);
    Refusal {
        gpu: choice.gpu,
        bound: "max_gpus",
        reason: format!("needs {} GPUs, more than the {most} allowed", choice.gpus),
        physics: bound > f64::from(most),
    }
}

/// Why a replica serves not even one request, in numbers.
fn refusal(ask: &Ask, replica: &Replica<'_>, abilities: &Abilities) -> Refusal {
    let Abilities { bound, expected, .. } = abilities;
    let (gpu, gpus) = (replica.gpu, replica.gpus);
    let ends = expected.capacity.err().unwrap_or(Ends::Throughput);
    let alone = |ability: &super::option::Ability| {
        ask.at(replica, &ability.efficiency, &ability.memory, |station| station.at(ALONE)).ok()
    };
    let (mine, best) = (alone(expected), alone(bound));
    let ms = |point: &Option<Point>, read: fn(&Point) -> f64| {
        point.as_ref().map_or_else(|| "?".to_owned(), |point| format!("{:.1}", read(point) * 1e3))
    };
    let limit = |limit: Option<f64>| limit.unwrap_or(0.0) * 1e3;
    let slow = |name: &str, read: fn(&Point) -> f64, most: Option<f64>| {
        format!(
            "{name} of a request alone on {gpus} of them is {} ms expected and {} ms at best, limit {} ms",
            ms(&mine, read),
            ms(&best, read),
            limit(most)
        )
    };
    let reason = match ends {
        Ends::Ttft => slow("TTFT", |point| point.ttft, ask.limits.ttft),
        Ends::Tpot => slow("TPOT", |point| point.tpot, ask.limits.tpot),
        Ends::E2e => slow("E2E", |point| point.e2e, ask.limits.e2e),
        Ends::Memory => format!(
            "{gpus} of them hold {:.1} GB each beside the engine's own; weights take {:.1} GB of it and a sequence {:.2} GB",
            (expected.memory.total - expected.memory.overhead) / 1e9,
            expected.memory.weights / 1e9,
            ask.model.kv_bytes(ask.lengths.held(), ask.kv) * ask.model.kv_share(gpus) / 1e9
        ),
        Ends::Throughput => "one request is more work than there is time".to_owned(),
    };
    Refusal { gpu, bound: ends.id(), reason, physics: bound.capacity.is_err() }
}

impl Ask {
    /// What is assumed of a GPU, or what was measured on it.
    pub(super) fn efficiencies(&self, gpu: &'static Gpu) -> Efficiencies {
        let assumed = Efficiencies::assumed(gpu);
        match &self.calibration {
            Some(calibration) if calibration.gpu.id == gpu.id => calibration.applied(&assumed),
            _ => assumed,
        }
    }
}

fn assumptions(ask: &Ask) -> Vec<Assumption> {
    let say = |name: &str, value: String, source: &str| Assumption {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
    };
    let mut out = vec![
        say(
            "arrivals",
            "at random (Poisson), of equal lengths, each prompt read anew".to_owned(),
            "docs/RECOMMEND.md",
        ),
        say(
            "attainment",
            format!("{} % of requests meet each limit", ask.attainment * 100.0),
            "--attainment",
        ),
        say(
            "headroom",
            format!("{} % of each replica's capacity stays free", ask.headroom * 100.0),
            "--headroom",
        ),
    ];
    let mut seen = Vec::new();
    for gpu in &ask.gpus {
        let measured = ask.calibration.as_ref().is_some_and(|calibration| calibration.gpu.id == gpu.id);
        let name = if measured { gpu.name } else { gpu.generation.name() };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let Efficiencies { bound: _, low, expected, high } = ask.efficiencies(gpu);
        let source = if measured { "--measured" } else { "docs/RECOMMEND.md, published measurements" };
        let share = |name: &str, [low, middle, high]: [f64; 3]| {
            format!("{name} {:.0} % ({:.0} to {:.0})", middle * 100.0, low * 100.0, high * 100.0)
        };
        out.push(say(
            &format!("efficiency, {name}"),
            format!(
                "{}, {}",
                share("memory", [low.memory, expected.memory, high.memory]),
                share("arithmetic", [low.compute, expected.compute, high.compute])
            ),
            source,
        ));
    }
    for large in [true, false] {
        let of =
            ask.gpus.iter().map(|gpu| EngineDefaults::of(gpu)).find(|own| (own.chunk > 4_096.0) == large);
        if let Some(EngineDefaults { chunk, sequences }) = of {
            out.push(say(
                if large { "engine, GPUs from 70 GiB on but A100" } else { "engine, other GPUs" },
                format!("{chunk} tokens and {sequences} sequences of a step at most, prompts in chunks"),
                "vLLM's defaults of max_num_batched_tokens and max_num_seqs",
            ));
        }
    }
    out.extend(ask.model.assumed.iter().map(|text| say("model", text.clone(), ask.model.source)));
    out
}

fn notes(ask: &Ask) -> Vec<String> {
    let mut notes = vec![
        "Every expectation is a model's answer, not a measurement: measure one replica, then give its result with --measured."
            .to_owned(),
    ];
    if ask.precision == Precision::Bf16 && ask.gpus.iter().any(|gpu| gpu.fp8.is_some()) {
        notes.push("--precision fp8 shows the same load with weights of half the size, which changes what the model answers.".to_owned());
    }
    if ask.limits == Limits::default() {
        notes.push(
            "No limit was given: capacity is what a replica does at all, however long requests take."
                .to_owned(),
        );
    }
    if ask.model.experts > 0 {
        notes.push("Experts are reached evenly, in the bound too; a load that favours some of them reads fewer weights.".to_owned());
    }
    notes
}
