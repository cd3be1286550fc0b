//! A forecast in rows and sentences, for every kind of table.

use super::number::{percent, plural, significant, tidy};
use crate::document::v1::{ForecastDocument, MetricForecastDocument, NoiseDocument, PairForecastDocument};
use crate::record::MetricKey;

pub(super) const HEADER: [&str; 9] = [
    "Metric",
    "Noise",
    "Tolerance",
    "Ratio",
    "Pairs, one look",
    "Passes by look",
    "Mean pairs",
    "Resolves",
    "Fails from",
];

/// What the columns mean, beneath the table.
pub(super) fn notes(forecast: &ForecastDocument) -> Vec<String> {
    let wanted = share(forecast.power);
    vec![
        "noise: sd of the difference of one pair; ratio: tolerance over noise".to_owned(),
        format!(
            "pairs, one look: to pass when nothing changed / to fail at twice the tolerance, each with {wanted} probability"
        ),
        format!(
            "resolves: smallest tolerance that an unchanged server passes with {wanted}; fails from: smallest change that fails four times in five"
        ),
    ]
}

/// `Gate 'default': looks after 5, 8, 12 pairs; …`
pub(super) fn headline(forecast: &ForecastDocument) -> String {
    let looks: Vec<String> = forecast.looks.iter().map(u32::to_string).collect();
    format!(
        "Gate '{}': looks after {} pairs; {} for each wrong verdict, over {} when failing",
        forecast.name,
        looks.join(", "),
        share(forecast.alpha),
        plural(forecast.family as u64, "test")
    )
}

/// One row per metric that is judged in pairs, or of which nothing is known.
pub(super) fn rows(forecast: &ForecastDocument) -> Vec<[String; 9]> {
    let metrics =
        forecast.metrics.iter().filter(|metric| metric.pairs.is_some() || metric.sessions.is_none());
    metrics.map(row).collect()
}

fn row(metric: &MetricForecastDocument) -> [String; 9] {
    let unit = |amount: f64| amount_text(amount, metric.absolute);
    let Some(pairs) = &metric.pairs else {
        let mut row: [String; 9] = std::array::from_fn(|_| "–".to_owned());
        row[0] = title(&metric.metric);
        "unknown".clone_into(&mut row[1]);
        row[2] = unit(metric.tolerance);
        return row;
    };
    let PairForecastDocument {
        noise,
        ratio,
        pairs_to_pass,
        pairs_to_fail,
        mean_pairs,
        resolves,
        detects,
        ..
    } = pairs;
    let needed = |pairs: Option<u32>| pairs.map_or_else(|| ">1000".to_owned(), |pairs| pairs.to_string());
    [
        title(&metric.metric),
        noise_text(noise, metric.absolute),
        unit(metric.tolerance),
        significant(*ratio),
        format!("{} / {}", needed(*pairs_to_pass), needed(*pairs_to_fail)),
        by_look(&pairs.pass_by_look),
        format!("{mean_pairs:.1}"),
        unit(*resolves),
        unit(*detects),
    ]
}

/// `38% 69% 89%`: passed at that look or before.
fn by_look(chances: &[f64]) -> String {
    let mut sum = 0.0;
    let shares = chances.iter().map(|chance| {
        sum += chance;
        format!("{:.0}%", (sum.min(1.0) * 100.0).floor())
    });
    shares.collect::<Vec<_>>().join(" ")
}

fn noise_text(noise: &NoiseDocument, absolute: bool) -> String {
    let sd = amount_text(noise.sd, absolute);
    if noise.count == 0 { sd } else { format!("{sd} ({})", plural(u64::from(noise.count), noun(noise))) }
}

fn noun(noise: &NoiseDocument) -> &'static str {
    if noise.source == "sessions" { "session" } else { "pair" }
}

/// Sentences about metrics judged against stored sessions.
pub(super) fn stored(forecast: &ForecastDocument) -> Vec<String> {
    let sentence = |metric: &MetricForecastDocument| {
        let sessions = metric.sessions.as_ref()?;
        let noise = noise_text(&sessions.noise, metric.absolute);
        let title = title(&metric.metric);
        let needed = match sessions.sessions_needed {
            Some(needed) => format!("{needed} stored sessions pass it with {}", share(forecast.power)),
            None => format!("no number of stored sessions passes it with {}", share(forecast.power)),
        };
        Some(match (sessions.pass, sessions.resolves) {
            (Some(pass), Some(resolves)) => format!(
                "{title}: sessions differ by {noise}; an unchanged server passes {} with {:.0}%, {} would be resolved; {needed}",
                amount_text(metric.tolerance, metric.absolute),
                (pass * 100.0).floor(),
                amount_text(resolves, metric.absolute)
            ),
            _ => format!("{title}: sessions differ by {noise}; their noise counts from five on; {needed}"),
        })
    };
    forecast.metrics.iter().filter_map(sentence).collect()
}

/// `GPU minutes: 18.2 on average when nothing changed (6.1 pairs × 2 rounds × 90 s × 1 GPU), 36.0 at most`
pub(super) fn cost(forecast: &ForecastDocument) -> Option<String> {
    let cost = &forecast.cost;
    let Some(round) = cost.round_s else {
        return Some("GPU minutes: say how long a round takes with --round-time".to_owned());
    };
    let most = significant(cost.max_gpu_minutes?);
    let unit = format!("2 rounds × {} s × {}", tidy(round), plural(u64::from(cost.gpus), "GPU"));
    Some(match (cost.mean_pairs, cost.mean_gpu_minutes) {
        (Some(pairs), Some(minutes)) => format!(
            "GPU minutes: {} on average when nothing changed ({pairs:.1} pairs × {unit}, for the metric that needs most), {most} at most ({} pairs)",
            significant(minutes),
            cost.max_pairs
        ),
        _ => format!("GPU minutes: {most} at most ({} pairs × {unit})", cost.max_pairs),
    })
}

/// `TTFT p95` for `ttft_p95`.
fn title(name: &str) -> String {
    name.parse().map_or_else(|_| name.to_owned(), MetricKey::title)
}

fn amount_text(amount: f64, absolute: bool) -> String {
    if absolute { format!("{} pp", significant(amount * 100.0)) } else { percent(amount) }
}

fn share(share: f64) -> String {
    format!("{}%", tidy(share * 100.0))
}
