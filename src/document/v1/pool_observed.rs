//! What several parts of a level saw of the hardware, as one: means by time, errors added up. Energy is a sum over rounds, which
//! came one after the other, but not over shards, which saw the same GPUs at the same time.

use std::collections::{BTreeMap, BTreeSet};

use super::number::six;
use super::{
    CourseDocument, EnergyDocument, EngineDocument, GpuWindowDocument, LevelDocument, LogWindowDocument,
    ObservedDocument,
};

/// How the parts lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Rounds.
    InTurn,
    /// Shards.
    Together,
}

/// None where no part saw anything.
pub(super) fn observed(levels: &[&LevelDocument], parts: Parts) -> Option<ObservedDocument> {
    let all: Vec<&ObservedDocument> = levels.iter().filter_map(|level| level.observed.as_ref()).collect();
    let notes: BTreeSet<&String> = all.iter().flat_map(|one| &one.notes).collect();
    let document = ObservedDocument {
        gpus: gpus(&all, parts),
        engine: engine(levels, parts),
        log: log(&all, parts),
        notes: notes.into_iter().cloned().collect(),
    };
    (document != ObservedDocument::default()).then_some(document)
}

/// Rounds are added up, where each of them has numbers. Every shard's server is the same one, so their views do not add up.
fn engine(levels: &[&LevelDocument], parts: Parts) -> Option<EngineDocument> {
    let of = |level: &LevelDocument| level.observed.as_ref()?.engine.clone();
    let engines: Option<Vec<(EngineDocument, f64)>> =
        levels.iter().map(|level| Some((of(level)?, level.window.measured_s))).collect();
    let engines = engines.filter(|_| parts == Parts::InTurn)?;
    EngineDocument::in_turn(&engines.iter().map(|(engine, seconds)| (engine, *seconds)).collect::<Vec<_>>())
}

/// Means weighted by lines; none where the parts read logs of different servers.
fn log(all: &[&ObservedDocument], parts: Parts) -> Option<LogWindowDocument> {
    let logs: Vec<&LogWindowDocument> = all.iter().filter_map(|one| one.log.as_ref()).collect();
    let first = logs.first().filter(|first| logs.iter().all(|log| log.source == first.source))?;
    let course = |pick: fn(&LogWindowDocument) -> Option<CourseDocument>| {
        weighted(&logs.iter().filter_map(|log| Some((log.lines as f64, pick(log)?))))
    };
    let lines = logs.iter().map(|log| log.lines);
    Some(LogWindowDocument {
        source: first.source.clone(),
        lines: match parts {
            Parts::InTurn => lines.sum(),
            Parts::Together => lines.max().unwrap_or(0),
        },
        prompt_throughput: course(|log| log.prompt_throughput),
        generation_throughput: course(|log| log.generation_throughput),
        request_speed: course(|log| log.request_speed),
        running: course(|log| log.running),
        waiting: course(|log| log.waiting),
        kv_usage: course(|log| log.kv_usage),
        prefix_hits: course(|log| log.prefix_hits),
    })
}

/// Each GPU by its UUID, or by place and name where it has none, in the order in which they were first seen.
fn gpus(all: &[&ObservedDocument], parts: Parts) -> Vec<GpuWindowDocument> {
    let same = |one: &GpuWindowDocument, other: &GpuWindowDocument| match (&one.uuid, &other.uuid) {
        (Some(one), Some(other)) => one == other,
        (None, None) => (one.index, &one.name) == (other.index, &other.name),
        _ => false,
    };
    let mut groups: Vec<Vec<&GpuWindowDocument>> = Vec::new();
    for gpu in all.iter().flat_map(|one| &one.gpus) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same(first, gpu))) {
            Some(group) => group.push(gpu),
            None => groups.push(vec![gpu]),
        }
    }
    groups.iter().filter_map(|group| pooled(group, parts)).collect()
}

fn pooled(group: &[&GpuWindowDocument], parts: Parts) -> Option<GpuWindowDocument> {
    let (first, rest) = group.split_first()?;
    if rest.is_empty() {
        return Some((*first).clone());
    }
    let course = |pick: fn(&GpuWindowDocument) -> Option<CourseDocument>| course(group, pick);
    let spent = |pick: fn(&GpuWindowDocument) -> Option<&EnergyDocument>| spent(group, parts, pick);
    let least = |pick: fn(&GpuWindowDocument) -> Option<f64>| {
        group.iter().filter_map(|gpu| pick(gpu)).reduce(f64::min)
    };
    let seconds = group.iter().map(|gpu| gpu.seconds);
    let errors: Vec<u64> = group.iter().filter_map(|gpu| gpu.ecc_errors).collect();
    let xids = group.iter().flat_map(|gpu| &gpu.xids);
    Some(GpuWindowDocument {
        index: first.index,
        uuid: first.uuid.clone(),
        name: first.name.clone(),
        samples: group.iter().map(|gpu| gpu.samples).sum(),
        seconds: six(match parts {
            Parts::InTurn => seconds.sum(),
            Parts::Together => seconds.fold(0.0, f64::max),
        }),
        utilization: course(|gpu| gpu.utilization),
        memory_utilization: course(|gpu| gpu.memory_utilization),
        memory_used_bytes: course(|gpu| gpu.memory_used_bytes),
        memory_total_bytes: group.iter().find_map(|gpu| gpu.memory_total_bytes),
        power_w: course(|gpu| gpu.power_w),
        power_limit_w: least(|gpu| gpu.power_limit_w),
        power_limit_default_w: least(|gpu| gpu.power_limit_default_w),
        energy: spent(|gpu| gpu.energy.as_ref()),
        warmup_energy: spent(|gpu| gpu.warmup_energy.as_ref()),
        steady_energy: spent(|gpu| gpu.steady_energy.as_ref()),
        temperature_c: course(|gpu| gpu.temperature_c),
        sm_clock_mhz: course(|gpu| gpu.sm_clock_mhz),
        memory_clock_mhz: course(|gpu| gpu.memory_clock_mhz),
        throttled: throttled(group),
        ecc_errors: match parts {
            _ if errors.is_empty() => None,
            Parts::InTurn => Some(errors.iter().sum()),
            Parts::Together => errors.iter().copied().max(),
        },
        xids: match parts {
            Parts::InTurn => xids.copied().collect(),
            Parts::Together => xids.copied().collect::<BTreeSet<_>>().into_iter().collect(),
        },
        processes: group.iter().filter_map(|gpu| gpu.processes).max(),
        mig: group.iter().filter_map(|gpu| gpu.mig).reduce(|one, other| one || other),
        lost: group.iter().any(|gpu| gpu.lost),
    })
}

/// Means weighted by the time that each part covers.
fn course(
    group: &[&GpuWindowDocument],
    pick: fn(&GpuWindowDocument) -> Option<CourseDocument>,
) -> Option<CourseDocument> {
    weighted(&group.iter().filter_map(|gpu| Some((gpu.seconds, pick(gpu)?))))
}

/// One course of several with their weights; none where they weigh nothing.
fn weighted(parts: &(impl Iterator<Item = (f64, CourseDocument)> + Clone)) -> Option<CourseDocument> {
    let all: f64 = parts.clone().map(|(weight, _)| weight).sum();
    (all > 0.0).then(|| CourseDocument {
        mean: six(parts.clone().map(|(weight, course)| weight * course.mean).sum::<f64>() / all),
        min: parts.clone().map(|(_, course)| course.min).fold(f64::INFINITY, f64::min),
        max: parts.clone().map(|(_, course)| course.max).fold(f64::NEG_INFINITY, f64::max),
    })
}

/// Of shards, the one that saw the longest time; of rounds, their sum, where every round has one.
fn spent(
    group: &[&GpuWindowDocument],
    parts: Parts,
    pick: fn(&GpuWindowDocument) -> Option<&EnergyDocument>,
) -> Option<EnergyDocument> {
    if parts == Parts::Together {
        let known = group.iter().filter_map(|gpu| pick(gpu));
        return known.max_by(|one, other| one.seconds.total_cmp(&other.seconds)).cloned();
    }
    let all: Vec<&EnergyDocument> = group.iter().map(|gpu| pick(gpu)).collect::<Option<_>>()?;
    let first = all.first()?;
    let alike = all.iter().all(|one| one.source == first.source);
    Some(EnergyDocument {
        joules: six(all.iter().map(|one| one.joules).sum()),
        seconds: six(all.iter().map(|one| one.seconds).sum()),
        source: if alike { first.source.clone() } else { "mixed".to_owned() },
    })
}

/// Shares of the time of all parts that know their reasons.
fn throttled(group: &[&GpuWindowDocument]) -> Option<BTreeMap<String, f64>> {
    let known = || group.iter().filter_map(|gpu| Some((gpu.seconds, gpu.throttled.as_ref()?)));
    let time: f64 = known().map(|(seconds, _)| seconds).sum();
    let ids: BTreeSet<&String> = known().flat_map(|(_, reasons)| reasons.keys()).collect();
    let share = |id: &String| {
        let held = known().filter_map(|(seconds, reasons)| Some(seconds * reasons.get(id)?)).sum::<f64>();
        six(held / time)
    };
    (time > 0.0).then(|| ids.into_iter().map(|id| (id.clone(), share(id))).collect())
}
