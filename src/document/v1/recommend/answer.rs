//! From what was computed to what is written.

use super::{
    AskedLoadDocument, AssumptionDocument, CalibrationDocument, FormulaDocument, InputDocument,
    IntervalDocument, MemoryDocument, ModelFactsDocument, OptionDocument, RangeDocument,
    RecommendAskDocument, RecommendDocument, RejectedDocument, ServedDocument,
};
use crate::document::v1::SloDocument;
use crate::document::v1::format::{Format, Kind};
use crate::document::v1::number::six;
use crate::recommend::{
    Ask, Assumption, Calibration, Choice, Demand, Formula, Input, Interval, Memory, Range, Recommendation,
    Refusal, Served,
};

impl RecommendDocument {
    /// `created` is RFC 3339.
    pub fn new(
        tool: &str,
        created: &str,
        asked: &RecommendAskDocument,
        ask: &Ask,
        answer: &Recommendation,
    ) -> Self {
        let Recommendation { options, refused, assumptions, notes } = answer;
        Self {
            format: Format::current(Kind::Recommend),
            tool: tool.to_owned(),
            created: created.to_owned(),
            model: model(asked, ask),
            load: load(ask),
            assumptions: assumptions.iter().map(AssumptionDocument::from).collect(),
            options: options.iter().map(|choice| option(ask, choice)).collect(),
            rejected: refused.iter().map(RejectedDocument::from).collect(),
            calibration: ask.calibration.as_ref().map(CalibrationDocument::from),
            prices: ask.prices.origin.clone(),
            notes: notes.clone(),
        }
    }
}

fn model(asked: &RecommendAskDocument, ask: &Ask) -> ModelFactsDocument {
    let model = &ask.model;
    let images = asked.images.unwrap_or(0);
    let text = f64::from(asked.input_len.unwrap_or(super::ask::INPUT));
    let per_image = (images > 0).then(|| ((ask.lengths.input - text) / f64::from(images)) as u32);
    ModelFactsDocument {
        name: model.name.clone(),
        source: model.source.to_owned(),
        parameters: model.parameters() as f64,
        active_parameters: model.active() as f64,
        layers: u32::try_from(model.layers).unwrap_or(u32::MAX),
        attention: model.attention.to_owned(),
        experts: (model.experts > 0).then(|| u32::try_from(model.experts).unwrap_or(u32::MAX)),
        tokens_per_image: per_image,
        precision: ask.precision.id().to_owned(),
        kv_precision: ask.kv.id().to_owned(),
    }
}

fn load(ask: &Ask) -> AskedLoadDocument {
    let (users, think_time_s, rate) = match ask.demand {
        Demand::Rate(rate) => (None, None, Some(rate)),
        Demand::Users { users, think } => (Some(users), Some(think), None),
    };
    let limits = [("ttft", ask.limits.ttft), ("tpot", ask.limits.tpot), ("e2e", ask.limits.e2e)];
    AskedLoadDocument {
        users,
        think_time_s,
        rate,
        input_tokens: ask.lengths.input,
        output_tokens: ask.lengths.output,
        goodput: limits
            .into_iter()
            .filter_map(|(metric, limit)| {
                Some(SloDocument { metric: metric.to_owned(), limit_ms: six(limit? * 1e3) })
            })
            .collect(),
        attainment: ask.attainment,
        headroom: ask.headroom,
    }
}

fn option(ask: &Ask, choice: &Choice) -> OptionDocument {
    let Choice {
        gpu,
        gpus_per_replica,
        replicas,
        gpus,
        capacity,
        limited_by,
        served,
        memory,
        usd_per_hour,
        formulas,
    } = choice;
    let (input, output) = (ask.lengths.input, ask.lengths.output);
    OptionDocument {
        gpu: gpu.id.to_owned(),
        gpu_name: gpu.name.to_owned(),
        precision: ask.precision.id().to_owned(),
        kv_precision: ask.kv.id().to_owned(),
        gpus_per_replica: *gpus_per_replica,
        replicas: range(replicas, 1.0),
        gpus: *gpus,
        capacity_rps: range(capacity, 1.0),
        limited_by: limited_by.id().to_owned(),
        served: self::served(served, choice.output_rate(output)),
        memory: self::memory(memory),
        usd_per_hour: usd_per_hour.map(six),
        usd_per_million_output_tokens: choice.usd_per_million(choice.output_rate(output)).map(six),
        usd_per_million_tokens: choice.usd_per_million(served.rate * (input + output)).map(six),
        kwh_per_million_output_tokens: six(choice.kwh_per_million(output)),
        formulas: formulas.iter().map(FormulaDocument::from).collect(),
    }
}

fn range(range: &Range, scale: f64) -> RangeDocument {
    let Range { bound, worst, expected, best } = *range;
    let scaled = |value: Option<f64>| value.map(|value| six(value * scale));
    RangeDocument {
        bound: scaled(bound),
        worst: scaled(worst),
        expected: six(expected * scale),
        best: scaled(best),
    }
}

fn served(served: &Served, output_rate: f64) -> ServedDocument {
    let Served { rate, utilization, batch, ttft, tpot, e2e } = served;
    ServedDocument {
        rate: six(*rate),
        output_tokens_per_s: six(output_rate),
        utilization: six(*utilization),
        batch: six(*batch),
        ttft_ms: range(ttft, 1e3),
        tpot_ms: range(tpot, 1e3),
        e2e_ms: range(e2e, 1e3),
    }
}

fn memory(memory: &Memory) -> MemoryDocument {
    let Memory { total, weights, overhead, kv, kv_per_token, sequences } = *memory;
    MemoryDocument {
        total_bytes: six(total),
        weights_bytes: six(weights),
        overhead_bytes: six(overhead),
        kv_bytes: six(kv),
        kv_bytes_per_token: six(kv_per_token),
        sequences: sequences as u64,
    }
}

impl From<&Assumption> for AssumptionDocument {
    fn from(assumption: &Assumption) -> Self {
        let Assumption { name, value, source } = assumption;
        Self { name: name.clone(), value: value.clone(), source: source.clone() }
    }
}

impl From<&Refusal> for RejectedDocument {
    fn from(refusal: &Refusal) -> Self {
        let Refusal { gpu, bound, reason, physics } = refusal;
        Self {
            gpu: gpu.id.to_owned(),
            gpu_name: gpu.name.to_owned(),
            bound: (*bound).to_owned(),
            reason: reason.clone(),
            physics: *physics,
        }
    }
}

impl From<&Formula> for FormulaDocument {
    fn from(formula: &Formula) -> Self {
        let Formula { name, formula, inputs, value, unit, source } = formula;
        Self {
            name: (*name).to_owned(),
            formula: (*formula).to_owned(),
            inputs: inputs.iter().map(InputDocument::from).collect(),
            value: six(*value),
            unit: (*unit).to_owned(),
            source: (*source).to_owned(),
        }
    }
}

impl From<&Input> for InputDocument {
    fn from(input: &Input) -> Self {
        let Input { name, value, unit } = *input;
        Self { name: name.to_owned(), value: six(value), unit: unit.to_owned() }
    }
}

impl From<&Calibration> for CalibrationDocument {
    fn from(calibration: &Calibration) -> Self {
        let Calibration { gpu, gpus, observations, memory, compute, error_before, error_after } = calibration;
        Self {
            gpu: gpu.id.to_owned(),
            gpus: *gpus,
            observations: *observations as u64,
            memory_efficiency: memory.into(),
            compute_efficiency: compute.as_ref().map(IntervalDocument::from),
            error_before: six(*error_before),
            error_after: six(*error_after),
        }
    }
}

impl From<&Interval> for IntervalDocument {
    fn from(interval: &Interval) -> Self {
        let Interval { value, low, high } = *interval;
        Self { value: six(value), low: six(low), high: six(high) }
    }
}
