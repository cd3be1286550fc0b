//! A recommendation in words, for every kind of text.

use super::number::{count, percent, significant, tidy};
use crate::document::v1::{
    CalibrationDocument, IntervalDocument, ModelFactsDocument, OptionDocument, RangeDocument,
    RecommendDocument,
};

/// The columns of the options.
pub(super) const HEADER: [&str; 10] = [
    "GPU",
    "GPUs (bound)",
    "per replica",
    "req/s per replica",
    "ends at",
    "TTFT ms",
    "TPOT ms",
    "E2E s",
    "USD/h",
    "USD/M output",
];

/// `Qwen2.5-7B: 2 × H100 SXM 80 GB for 6.00 USD/h`
pub(super) fn headline(document: &RecommendDocument) -> String {
    let name = &document.model.name;
    let Some(best) = document.options.first() else {
        return format!("{name}: no GPU serves this load within its limits");
    };
    let price = best.usd_per_hour.map(|usd| format!(" for {} USD/h", money(usd))).unwrap_or_default();
    let share = match best.gpus_per_replica {
        1 => String::new(),
        gpus => format!(", {gpus} to a replica"),
    };
    format!("{name}: {} × {}{share}{price}", best.gpus, best.gpu_name)
}

/// What was asked, as it was computed with.
pub(super) fn asked(document: &RecommendDocument) -> Vec<String> {
    let (load, model) = (&document.load, &document.model);
    let demand = match (load.users, load.rate) {
        (Some(users), _) => {
            format!("{} users who think {} s", tidy(users), tidy(load.think_time_s.unwrap_or(0.0)))
        }
        (None, rate) => format!("{} requests/s", tidy(rate.unwrap_or(0.0))),
    };
    let limits: Vec<String> = load
        .goodput
        .iter()
        .map(|slo| format!("{} ≤ {} ms", slo.metric.to_uppercase(), tidy(slo.limit_ms)))
        .collect();
    let limits = if limits.is_empty() {
        "no limits".to_owned()
    } else {
        format!("{} for {} of requests", limits.join(", "), percent(load.attainment))
    };
    vec![
        format!(
            "Load: {demand}, {} tokens in and {} out; {limits}; {} kept free",
            tidy(load.input_tokens),
            tidy(load.output_tokens),
            percent(load.headroom)
        ),
        format!("Model: {}", facts(model)),
    ]
}

fn facts(model: &ModelFactsDocument) -> String {
    let ModelFactsDocument {
        name: _,
        source,
        parameters,
        active_parameters,
        layers,
        attention,
        experts,
        tokens_per_image,
        precision,
        kv_precision,
    } = model;
    let billions = |parameters: f64| format!("{}B", significant(parameters / 1e9));
    let experts = experts
        .map(|experts| format!(", {experts} experts, {} parameters per token", billions(*active_parameters)));
    let images = tokens_per_image.map(|tokens| format!(", {tokens} tokens per image"));
    format!(
        "{} parameters{}, {layers} layers, {}{}; weights in {precision}, KV cache in {kv_precision}; from {source}",
        billions(*parameters),
        experts.unwrap_or_default(),
        attention.to_uppercase(),
        images.unwrap_or_default()
    )
}

/// A row of cells per option.
pub(super) fn rows(document: &RecommendDocument) -> Vec<[String; 10]> {
    document.options.iter().map(row).collect()
}

fn row(option: &OptionDocument) -> [String; 10] {
    let served = &option.served;
    let per_replica = f64::from(option.gpus_per_replica);
    let bound =
        option.replicas.bound.map(|replicas| format!(" (≥ {})", count((replicas * per_replica) as u64)));
    [
        option.gpu_name.clone(),
        format!("{}{}", option.gpus, bound.unwrap_or_default()),
        option.gpus_per_replica.to_string(),
        span(&option.capacity_rps, 1.0),
        option.limited_by.clone(),
        span(&served.ttft_ms, 1.0),
        span(&served.tpot_ms, 1.0),
        span(&served.e2e_ms, 1e-3),
        option.usd_per_hour.map_or_else(|| "–".to_owned(), money),
        option.usd_per_million_output_tokens.map_or_else(|| "–".to_owned(), money),
    ]
}

/// `10.4 [8.1, 12]`: expected, and at both ends of the efficiencies.
fn span(range: &RangeDocument, scale: f64) -> String {
    let RangeDocument { bound: _, worst, expected, best } = *range;
    let end = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| significant(value * scale));
    format!("{} [{}, {}]", significant(expected * scale), end(worst), end(best))
}

fn money(usd: f64) -> String {
    format!("{usd:.2}")
}

/// One sentence per GPU that cannot serve the load.
pub(super) fn refused(document: &RecommendDocument) -> Vec<String> {
    document
        .rejected
        .iter()
        .map(|rejected| {
            let who = if rejected.physics { "no server could" } else { "by what is assumed" };
            format!("{}: {} ({}; {who})", rejected.gpu_name, rejected.reason, rejected.bound)
        })
        .collect()
}

/// What the measured results said.
pub(super) fn calibration(calibration: &CalibrationDocument) -> String {
    let CalibrationDocument {
        gpu,
        gpus,
        observations,
        memory_efficiency,
        compute_efficiency,
        error_before,
        error_after,
    } = calibration;
    let interval = |interval: &IntervalDocument| {
        let IntervalDocument { value, low, high } = *interval;
        format!("{} [{}, {}]", percent(value), percent(low), percent(high))
    };
    let compute = compute_efficiency
        .as_ref()
        .map_or_else(|| "arithmetic not told".to_owned(), |own| format!("arithmetic {}", interval(own)));
    format!(
        "Calibrated on {gpus} × {gpu} by {} {}: memory {}, {compute}; the median error of a time was {} before and is {} after",
        count(*observations),
        if *observations == 1 { "level of a round" } else { "levels of rounds" },
        interval(memory_efficiency),
        percent(*error_before),
        percent(*error_after)
    )
}
