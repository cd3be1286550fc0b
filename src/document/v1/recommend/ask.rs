//! The question checked, with defaults for what it leaves out.

use super::{NumbersDocument, RecommendAskDocument};
use crate::document::v1::{LevelDocument, RunDocument, SloDocument};
use crate::recommend::{
    Ask, Calibration, Demand, GPUS, Gpu, KvPrecision, Lengths, Limits, Model, Numbers, Observation,
    Precision, Prices, RecommendError, Replica, calibrate, named, read_config,
};

const RATE: f64 = 1.0;
const THINK_S: f64 = 10.0;
pub(super) const INPUT: u32 = 1024;
const OUTPUT: u32 = 256;
const IMAGE: (u32, u32) = (1024, 1024);
const ATTAINMENT: f64 = 0.95;
const HEADROOM: f64 = 0.2;

impl RecommendAskDocument {
    /// The question that is computed with. `measured` are the results that `measured` names.
    pub fn checked(&self, measured: &[RunDocument]) -> Result<Ask, RecommendError> {
        let model = self.model()?;
        let lengths = self.lengths(&model)?;
        let precision = self.precision(&model)?;
        let kv = choose("--kv-precision", self.kv_precision.as_deref(), &KvPrecision::ALL, KvPrecision::id)?;
        let mut ask = Ask {
            demand: self.demand()?,
            lengths,
            limits: limits(&self.goodput)?,
            attainment: share("--attainment", self.attainment, ATTAINMENT)?,
            headroom: share("--headroom", self.headroom, HEADROOM)?,
            gpus: self.gpus()?,
            precision,
            kv: kv.unwrap_or(KvPrecision::Bf16),
            max_gpus: self.max_gpus,
            prices: self.prices()?,
            calibration: None,
            model,
        };
        if let ([name, ..], []) = (self.measured.as_slice(), measured) {
            return Err(RecommendError::Measured {
                name: name.clone(),
                problem: "it was not read".to_owned(),
                hint: "ask where results are kept: with --measured, or at a server that has the benchmark",
            });
        }
        ask.calibration = calibration(&ask, measured)?;
        Ok(ask)
    }

    fn model(&self) -> Result<Model, RecommendError> {
        let name = self.model.trim();
        let called = if name.is_empty() { "model" } else { name };
        match (&self.config_json, &self.numbers) {
            (Some(text), _) => read_config(called, text),
            (None, Some(numbers)) => {
                let NumbersDocument {
                    parameters,
                    active_parameters,
                    layers,
                    kv_heads,
                    head_dim,
                    hidden_size,
                } = *numbers;
                let numbers =
                    Numbers { parameters, active_parameters, layers, kv_heads, head_dim, hidden_size };
                Model::of_numbers(called, &numbers)
            }
            (None, None) if name.is_empty() => Err(RecommendError::Value {
                field: "--model",
                value: "is missing".to_owned(),
                problem: "there is nothing to serve".to_owned(),
                hint: "name a model, for example --model Qwen/Qwen2.5-7B-Instruct",
            }),
            (None, None) => named(name),
        }
    }

    fn demand(&self) -> Result<Demand, RecommendError> {
        match (self.users, self.rate) {
            (Some(_), Some(_)) => Err(RecommendError::Value {
                field: "--users",
                value: "and --rate".to_owned(),
                problem: "a load is one or the other".to_owned(),
                hint: "keep --users with --think-time, or --rate",
            }),
            (Some(users), None) => Ok(Demand::Users {
                users: positive("--users", users)?,
                think: zero_or_more("--think-time", self.think_time_s.unwrap_or(THINK_S))?,
            }),
            (None, rate) => Ok(Demand::Rate(positive("--rate", rate.unwrap_or(RATE))?)),
        }
    }

    fn lengths(&self, model: &Model) -> Result<Lengths, RecommendError> {
        let text = f64::from(tokens("--input-len", self.input_len.unwrap_or(INPUT))?);
        let output = f64::from(tokens("--output-len", self.output_len.unwrap_or(OUTPUT))?);
        let images = self.images.unwrap_or(0);
        let (width, height) = self.image_size.unwrap_or(IMAGE);
        if images == 0 {
            return Ok(Lengths { input: text, output, patches: 0.0 });
        }
        let Some(vision) = &model.vision else {
            return Err(RecommendError::Value {
                field: "--images",
                value: images.to_string(),
                problem: format!("{} does not see", model.name),
                hint: "leave --images out, or name a model with a vision tower",
            });
        };
        if !(1..=65_536).contains(&width) || !(1..=65_536).contains(&height) {
            return Err(RecommendError::Value {
                field: "--image-size",
                value: format!("{width}x{height}"),
                problem: "not between 1 and 65,536 pixels".to_owned(),
                hint: "write width and height, for example 1024x1024",
            });
        }
        let seen = f64::from(images) * vision.tokens.of(width, height) as f64;
        Ok(Lengths { input: text + seen, output, patches: seen * vision.patches_per_token })
    }

    fn precision(&self, model: &Model) -> Result<Precision, RecommendError> {
        let chosen = choose("--precision", self.precision.as_deref(), &Precision::CHOICES, Precision::id)?;
        Ok(chosen.or(model.published).unwrap_or(Precision::Bf16))
    }

    fn gpus(&self) -> Result<Vec<&'static Gpu>, RecommendError> {
        if self.gpus.is_empty() {
            return Ok(GPUS.iter().collect());
        }
        let mut found: Vec<&'static Gpu> = Vec::new();
        for id in &self.gpus {
            let gpu = Gpu::named(id)?;
            if !found.iter().any(|known| known.id == gpu.id) {
                found.push(gpu);
            }
        }
        Ok(found)
    }

    fn prices(&self) -> Result<Prices, RecommendError> {
        if self.prices.is_empty() {
            return Ok(Prices::example());
        }
        let rows = self.prices.iter().map(|row| (row.gpu.as_str(), row.usd_per_hour));
        Prices::given(rows, "as given".to_owned())
    }
}

/// The efficiencies that the results show; none without results.
fn calibration(ask: &Ask, measured: &[RunDocument]) -> Result<Option<Calibration>, RecommendError> {
    let Some(first) = measured.first() else { return Ok(None) };
    let (gpu, gpus) = hardware(first, ask)?;
    let mut observations = Vec::new();
    for result in measured {
        let (other, count) = hardware(result, ask)?;
        if (other.id, count) != (gpu.id, gpus) {
            return Err(RecommendError::Measured {
                name: result.name.clone(),
                problem: format!("it is of {count} {}, the first of {gpus} {}", other.name, gpu.name),
                hint: "give results of one kind and number of GPUs",
            });
        }
        for round in &result.rounds {
            observations.extend(of_round(&round.levels));
        }
    }
    let replica = Replica { model: &ask.model, gpu, gpus, precision: ask.precision, kv: ask.kv };
    calibrate(&first.name, &replica, &observations).map(Some)
}
/// The GPUs of a result: as they were read, else the only one that is asked about.
fn hardware(result: &RunDocument, ask: &Ask) -> Result<(&'static Gpu, u32), RecommendError> {
    let wrong = |problem: String, hint| RecommendError::Measured { name: result.name.clone(), problem, hint };
    let gpus = &result.environment.gpus;
    match (gpus.first(), ask.gpus.as_slice()) {
        (Some(seen), _) => {
            let gpu = Gpu::of_driver(&seen.name).ok_or_else(|| {
                wrong(format!("its GPU '{}' is not known", seen.name), "leave --measured out for this GPU")
            })?;
            Ok((gpu, u32::try_from(gpus.len()).unwrap_or(u32::MAX)))
        }
        (None, [only]) => Ok((only, 1)),
        (None, _) => Err(wrong(
            "it does not say which GPU was measured".to_owned(),
            "name that GPU alone with --gpu; one of it is taken to have served",
        )),
    }
}

/// The levels that have what is needed. Only the lightest tells its time to the first token: waiting is in the others.
fn of_round(levels: &[LevelDocument]) -> Vec<Observation> {
    let mut seen: Vec<Observation> = levels.iter().filter_map(observation).collect();
    let lightest = seen.iter().map(|level| level.rate).fold(f64::INFINITY, f64::min);
    for level in &mut seen {
        if level.rate > lightest {
            level.ttft = None;
        }
    }
    seen
}

fn observation(level: &LevelDocument) -> Option<Observation> {
    let count = (level.succeeded > 0).then_some(level.succeeded as f64)?;
    let metric = |id: &str| level.metrics.get(id);
    let above = |value: f64| (value.is_finite() && value > 0.0).then_some(value);
    let tpot = above(metric("tpot")?.mean? / 1e3)?;
    let output = level.tokens.output as f64 / count;
    (output > 1.0).then_some(())?;
    Some(Observation {
        rate: above(*level.values.get("request_throughput")?)?,
        lengths: Lengths { input: above(level.tokens.prompt as f64 / count)?, output, patches: 0.0 },
        tpot,
        ttft: metric("ttft").and_then(|ttft| ttft.p50).and_then(|ms| above(ms / 1e3)),
    })
}

fn limits(slos: &[SloDocument]) -> Result<Limits, RecommendError> {
    let mut limits = Limits::default();
    for SloDocument { metric, limit_ms } in slos {
        let wrong = |problem: &str, hint| RecommendError::Value {
            field: "--goodput",
            value: format!("{metric}:{limit_ms}"),
            problem: problem.to_owned(),
            hint,
        };
        let place = match metric.as_str() {
            "ttft" | "ttft_from_due" => &mut limits.ttft,
            "tpot" => &mut limits.tpot,
            "e2e" | "e2e_from_due" => &mut limits.e2e,
            _ => return Err(wrong("capacity knows no such limit", "limit ttft, tpot and e2e")),
        };
        if place.is_some() {
            return Err(wrong("it is limited twice", "keep one limit per metric"));
        }
        if !(limit_ms.is_finite() && *limit_ms > 0.0) {
            return Err(wrong("not a positive time", "write milliseconds, for example ttft:500,tpot:50"));
        }
        *place = Some(limit_ms / 1e3);
    }
    Ok(limits)
}

/// None for `auto` and where nothing was said.
fn choose<T: Copy>(
    field: &'static str,
    text: Option<&str>,
    all: &[T],
    id: fn(T) -> &'static str,
) -> Result<Option<T>, RecommendError> {
    match text.map(|text| text.trim().to_ascii_lowercase()) {
        None => Ok(None),
        Some(text) if text == "auto" || text.is_empty() => Ok(None),
        Some(text) => {
            let text = if text == "fp16" { "bf16".to_owned() } else { text };
            all.iter().copied().find(|one| id(*one) == text).map(Some).ok_or_else(|| RecommendError::Value {
                field,
                value: text.clone(),
                problem: format!(
                    "not one of auto, {}",
                    all.iter().map(|one| id(*one)).collect::<Vec<_>>().join(", ")
                ),
                hint: "auto takes what the weights are published in",
            })
        }
    }
}

fn positive(field: &'static str, value: f64) -> Result<f64, RecommendError> {
    if value.is_finite() && value > 0.0 && value <= 1e9 {
        return Ok(value);
    }
    Err(number(field, value, "not above 0 and at most 10⁹"))
}

fn zero_or_more(field: &'static str, value: f64) -> Result<f64, RecommendError> {
    if value.is_finite() && (0.0..=1e9).contains(&value) {
        return Ok(value);
    }
    Err(number(field, value, "not between 0 and 10⁹"))
}

fn share(field: &'static str, value: Option<f64>, default: f64) -> Result<f64, RecommendError> {
    match value {
        None => Ok(default),
        Some(value) if (0.0..1.0).contains(&value) => Ok(value),
        Some(value) => Err(number(field, value, "not a share from 0 to below 1")),
    }
}

fn tokens(field: &'static str, value: u32) -> Result<u32, RecommendError> {
    if (1..=10_000_000).contains(&value) {
        return Ok(value);
    }
    Err(number(field, f64::from(value), "not between 1 and 10,000,000 tokens"))
}

fn number(field: &'static str, value: f64, problem: &str) -> RecommendError {
    RecommendError::Value {
        field,
        value: value.to_string(),
        problem: problem.to_owned(),
        hint: "see llm-loadtest recommend --help for what it means",
    }
}
