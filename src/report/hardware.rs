//! What was seen of the GPUs of a level, as rows and a sentence for every report.

use super::number::{count, percent, plural, quantity, significant};
use crate::document::v1::{CourseDocument, EnergyDocument, GpuWindowDocument, LevelDocument};
use crate::record::{EnergySource, Metric, Unit};

/// Above the rows.
pub(super) const HEADER: [&str; 8] =
    ["GPU", "utilisation", "memory", "power (peak)", "limit", "energy", "SM clock", "°C max"];

/// More GPUs than this are one row.
const ROWS_MAX: usize = 8;

/// A row for each GPU, and one for all where there are several. Empty where none was seen.
pub(super) fn rows(level: &LevelDocument) -> Vec<[String; 8]> {
    let Some(observed) = &level.observed else { return Vec::new() };
    let gpus = &observed.gpus;
    let single = gpus.iter().filter(|_| gpus.len() <= ROWS_MAX).map(row);
    single.chain((gpus.len() > 1).then(|| all(gpus))).collect()
}

/// What a token costs, and what was spent when.
pub(super) fn energy(level: &LevelDocument) -> Option<String> {
    let gpus = &level.observed.as_ref()?.gpus;
    let value = |metric: Metric| Some(quantity(*level.values.get(metric.id())?, metric.unit()));
    let costs =
        [Metric::EnergyPerToken, Metric::TokensPerJoule, Metric::TokensPerWatt].into_iter().filter_map(value);
    let spent = |pick: fn(&GpuWindowDocument) -> Option<&EnergyDocument>, when: &str| {
        let all: Vec<&EnergyDocument> = gpus.iter().map(pick).collect::<Option<_>>()?;
        let joules: f64 = all.iter().map(|energy| energy.joules).sum();
        (!all.is_empty()).then(|| format!("{} {when}", joules_text(joules)))
    };
    let spans = [
        spent(|gpu| gpu.energy.as_ref(), "in the window"),
        spent(|gpu| gpu.steady_energy.as_ref(), "in its steady state"),
        spent(|gpu| gpu.warmup_energy.as_ref(), "in the warm-up"),
    ];
    let sentence = costs.chain(spans.into_iter().flatten()).collect::<Vec<_>>().join(", ");
    (!sentence.is_empty()).then(|| format!("{sentence}{}", source(gpus)))
}

/// How the energy was read, where all read it alike.
fn source(gpus: &[GpuWindowDocument]) -> &'static str {
    let by = |source: EnergySource| {
        gpus.iter().all(|gpu| gpu.energy.as_ref().is_none_or(|energy| energy.source == source.id()))
    };
    match (by(EnergySource::Counter), by(EnergySource::Power)) {
        (true, false) => " (by the hardware's counter)",
        (false, true) => " (by sampled power)",
        _ => "",
    }
}

/// What the server's own log says, in one sentence.
pub(super) fn log(level: &LevelDocument) -> Option<String> {
    let log = level.observed.as_ref()?.log.as_ref()?;
    let rate = |course: Option<CourseDocument>, noun: &str| {
        course.map(|course| format!("{} {noun}", quantity(course.mean, Unit::TokensPerSecond)))
    };
    let number = |course: Option<CourseDocument>, noun: &str| {
        course.map(|course| {
            format!("{} {noun} (at most {})", significant(course.mean), significant(course.max))
        })
    };
    let share = |course: Option<CourseDocument>, noun: &str| {
        course.map(|course| format!("{noun} {} (at most {})", percent(course.mean), percent(course.max)))
    };
    let words = [
        rate(log.generation_throughput, "generated"),
        rate(log.prompt_throughput, "of prompts"),
        rate(log.request_speed, "within a request"),
        number(log.running, "running"),
        number(log.waiting, "waiting"),
        share(log.kv_usage, "KV cache"),
        share(log.prefix_hits, "prefix hits"),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    Some(format!("{}; by {} of {}", words.join(", "), plural(log.lines, "line"), log.source))
}

/// What held the clocks down, what the driver could not do, and what else is to be known, a sentence each.
pub(super) fn remarks(level: &LevelDocument) -> Vec<String> {
    let Some(observed) = &level.observed else { return Vec::new() };
    let mut remarks = Vec::new();
    for gpu in &observed.gpus {
        let shares = gpu.throttled.iter().flatten().filter(|(_, share)| **share >= SHOWN);
        let reasons: Vec<String> =
            shares.map(|(reason, share)| format!("{reason} {}", percent(*share))).collect();
        let mig = (gpu.mig == Some(true)).then(|| "cut into MIG instances".to_owned());
        let lost = gpu.lost.then(|| "stopped answering".to_owned());
        let held = (!reasons.is_empty()).then(|| format!("clocks lowered: {}", reasons.join(", ")));
        let words: Vec<String> = [lost, held, mig].into_iter().flatten().collect();
        if !words.is_empty() {
            remarks.push(format!("GPU {}: {}", gpu.index, words.join("; ")));
        }
    }
    remarks.truncate(ROWS_MAX);
    remarks.extend(observed.notes.iter().cloned());
    remarks
}

/// Least share of the time that a reason is shown for.
const SHOWN: f64 = 0.01;

fn row(gpu: &GpuWindowDocument) -> [String; 8] {
    let peak = gpu.power_w.map(|power| (power.mean, power.max));
    [
        format!("{} {}", gpu.index, gpu.name),
        shown(gpu.utilization, percent),
        memory(gpu.memory_used_bytes.map(|used| used.mean), gpu.memory_total_bytes),
        power(peak),
        gpu.power_limit_w.map_or_else(dash, |limit| quantity(limit, Unit::Watts)),
        gpu.energy.as_ref().map_or_else(dash, |energy| joules_text(energy.joules)),
        shown(gpu.sm_clock_mhz, |mean| format!("{} MHz", significant(mean))),
        gpu.temperature_c.map_or_else(dash, |heat| significant(heat.max)),
    ]
}

/// Sums of what adds up, means of shares and clocks, the highest temperature; a dash for what one does not know.
fn all(gpus: &[GpuWindowDocument]) -> [String; 8] {
    let each = |pick: &dyn Fn(&GpuWindowDocument) -> Option<f64>| {
        gpus.iter().map(pick).collect::<Option<Vec<f64>>>()
    };
    let sum = |pick: &dyn Fn(&GpuWindowDocument) -> Option<f64>| Some(each(pick)?.iter().sum::<f64>());
    let mean = |pick: &dyn Fn(&GpuWindowDocument) -> Option<f64>| Some(sum(pick)? / gpus.len() as f64);
    let first = gpus.first().map_or("", |gpu| &gpu.name);
    let alike = gpus.iter().all(|gpu| gpu.name == first);
    let total = sum(&|gpu| gpu.memory_total_bytes.map(|bytes| bytes as f64));
    let heat = each(&|gpu| gpu.temperature_c.map(|heat| heat.max));
    let power_of = |pick: fn(CourseDocument) -> f64| sum(&|gpu| gpu.power_w.map(pick));
    [
        if alike { format!("{} × {first}", gpus.len()) } else { format!("all {}", gpus.len()) },
        mean(&|gpu| gpu.utilization.map(|used| used.mean)).map_or_else(dash, percent),
        memory(sum(&|gpu| gpu.memory_used_bytes.map(|used| used.mean)), total.map(|total| total as u64)),
        // Cards do not peak together.
        power_of(|power| power.mean).map_or_else(dash, |watts| quantity(watts, Unit::Watts)),
        sum(&|gpu| gpu.power_limit_w).map_or_else(dash, |limit| quantity(limit, Unit::Watts)),
        sum(&|gpu| gpu.energy.as_ref().map(|energy| energy.joules)).map_or_else(dash, joules_text),
        mean(&|gpu| gpu.sm_clock_mhz.map(|clock| clock.mean))
            .map_or_else(dash, |clock| format!("{} MHz", significant(clock))),
        heat.and_then(|all| all.into_iter().reduce(f64::max)).map_or_else(dash, significant),
    ]
}

fn shown(course: Option<CourseDocument>, text: fn(f64) -> String) -> String {
    course.map_or_else(dash, |course| text(course.mean))
}

/// `61.2 of 80.0 GB`.
fn memory(used: Option<f64>, total: Option<u64>) -> String {
    let gigabytes = |bytes: f64| significant(bytes / 1e9);
    match (used, total) {
        (Some(used), Some(total)) => format!("{} of {} GB", gigabytes(used), gigabytes(total as f64)),
        (Some(used), None) => format!("{} GB", gigabytes(used)),
        (None, _) => dash(),
    }
}

/// `512 W (690)`.
fn power(course: Option<(f64, f64)>) -> String {
    course
        .map_or_else(dash, |(mean, peak)| format!("{} ({})", quantity(mean, Unit::Watts), significant(peak)))
}

/// `5,120 J`, `1.23 MJ`.
fn joules_text(joules: f64) -> String {
    if joules >= 1e6 {
        format!("{} MJ", significant(joules / 1e6))
    } else if joules >= 1e4 {
        format!("{} kJ", significant(joules / 1e3))
    } else if joules >= 100.0 {
        format!("{} J", count(joules.round() as u64))
    } else {
        format!("{} J", significant(joules))
    }
}

fn dash() -> String {
    "-".to_owned()
}
