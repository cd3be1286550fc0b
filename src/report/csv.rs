//! `summary.csv`: one row per round and level, and one per workload of a mix, one column per number of the catalogue.

use std::iter;

use crate::document::v1::{LevelDocument, RunDocument};
use crate::record::{FailureClass, Metric};

/// RFC 4180 with a header; a number that does not exist is an empty field. Units are those of the metric definitions.
pub fn render(run: &RunDocument) -> String {
    let mut out = line(&header());
    for round in &run.rounds {
        let rows = round.levels.iter().flat_map(|level| {
            let parts = level.parts.iter().map(move |part| (&part.label, &level.label, part));
            iter::once((&run.name, &level.label, level)).chain(parts)
        });
        for (workload, label, numbers) in rows {
            let mut fields = vec![
                workload.clone(),
                run.fingerprint.model.clone(),
                run.fingerprint.hardware.clone(),
                round.round.to_string(),
                round.seed.to_string(),
            ];
            fields.push(label.clone());
            fields.extend(values(numbers));
            out.push_str(&line(&fields));
        }
    }
    out
}

const STATISTICS: [&str; 9] = ["n", "mean", "sd", "min", "max", "p50", "p90", "p95", "p99"];

fn header() -> Vec<String> {
    let fixed = [
        "workload",
        "model",
        "hardware",
        "round",
        "seed",
        "level",
        "window_s",
        "offered",
        "succeeded",
        "failed",
        "good",
        "concurrency_mean",
        "concurrency_peak",
        "prompt_tokens",
        "output_tokens",
        "reconnects",
    ];
    let failures = FailureClass::ALL.map(|class| format!("failed_{class}"));
    let metrics = Metric::ALL.into_iter().flat_map(|metric| {
        if metric.is_distribution() {
            STATISTICS.map(|name| format!("{metric}_{name}")).to_vec()
        } else {
            vec![metric.to_string()]
        }
    });
    fixed.into_iter().map(str::to_owned).chain(failures).chain(metrics).collect()
}

fn values(level: &LevelDocument) -> Vec<String> {
    let good = level.goodput.as_ref().map(|goodput| goodput.good.to_string());
    let mut fields = vec![
        level.window.measured_s.to_string(),
        level.offered.to_string(),
        level.succeeded.to_string(),
        level.failed().to_string(),
        good.unwrap_or_default(),
        text(level.concurrency.mean),
        text(level.concurrency.peak),
        level.tokens.prompt.to_string(),
        level.tokens.output.to_string(),
        level.reconnects.to_string(),
    ];
    for class in FailureClass::ALL {
        fields.push(level.failures.get(class.id()).copied().unwrap_or(0).to_string());
    }
    for metric in Metric::ALL {
        if metric.is_distribution() {
            fields.extend(statistics(level, metric));
        } else {
            let value = level.values.get(metric.id());
            fields.push(value.map(f64::to_string).unwrap_or_default());
        }
    }
    fields
}

fn statistics(level: &LevelDocument, metric: Metric) -> [String; 9] {
    match level.metrics.get(metric.id()) {
        None => Default::default(),
        Some(found) => [
            text(found.n),
            text(found.mean),
            text(found.sd),
            text(found.min),
            text(found.max),
            text(found.p50),
            text(found.p90),
            text(found.p95),
            text(found.p99),
        ],
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
    format!("{}\r\n", quoted.join(","))
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
