//! Did the GPUs do what the numbers are read as: run at their own clocks and power, for this server alone, and without errors?

use super::level::Fact;
use super::{Finding, Severity};
use crate::metrics::Summary;
use crate::record::{GpuWindow, Metric};

/// A hardware slowdown halves the clocks at least, so a tenth of the time costs 5 % of the speed: as much as the tightest
/// tolerances that gates use. It is told for a moment at changes of the performance state, too, which is under a hundredth.
const HALVED: Bounds = Bounds { warning: 0.01, invalid: 0.10 };
/// Software lowers the clocks by steps; when it does so half of the time, the temperature sets the speed and no longer the server.
const LOWERED: Bounds = Bounds { warning: 0.05, invalid: 0.50 };
/// A card at its own power limit is what most loaded cards are: worth knowing, not a flaw.
const AT_LIMIT: f64 = 0.20;
/// A limit this much below the card's own is no rounding.
const CAPPED: f64 = 0.99;
/// A capped card that draws less than this share of its limit, and is not held back, is not slowed by the cap.
const NEAR_LIMIT: f64 = 0.90;
/// NVML's utilisation is a mean over up to a second, so of a shorter window it may miss all.
const IDLE_SECONDS: f64 = 2.0;
/// Xids that a program's own fault raises (13 and 31 a bad access, 43 and 45 a channel that stopped, 68 and 69 a bad decode or
/// class); all others are the hardware's or the driver's. NVIDIA, *Xid Errors*.
const OF_PROGRAMS: [u64; 6] = [13, 31, 43, 45, 68, 69];

#[derive(Clone, Copy)]
struct Bounds {
    warning: f64,
    invalid: f64,
}

/// All findings about the GPUs of a level in this round (from 1).
pub fn check_gpus(summary: &Summary, round: u32) -> Vec<Finding> {
    let all = &summary.observed.gpus;
    // A machine may hold more GPUs than the server uses; what ails the others does not concern it.
    let busy: Vec<&GpuWindow> = all.iter().filter(|gpu| !gpu.is_idle()).collect();
    let facts = [
        idle(summary, all, &busy),
        throttled(&busy, "hw_thermal", HALVED),
        throttled(&busy, "hw_power_brake", HALVED),
        throttled(&busy, "hw_slowdown", HALVED),
        throttled(&busy, "sw_thermal", LOWERED),
        throttled(&busy, "sync_boost", LOWERED),
        capped(&busy),
        at_limit(&busy),
        shared(&busy),
        memory_errors(&busy),
        driver_errors(&busy),
        lost(all),
    ];
    facts.into_iter().flatten().map(|fact| fact.found(None, round)).collect()
}

fn idle(summary: &Summary, all: &[GpuWindow], busy: &[&GpuWindow]) -> Option<Fact> {
    let long = summary.window.secs() >= IDLE_SECONDS;
    let answers = summary.values.get(&Metric::OutputThroughput).is_some_and(|rate| *rate > 0.0);
    (long && answers && busy.is_empty() && !all.is_empty()).then(|| {
        let message = format!("{} idle while the server answered", verb(&names(all), "was", "were"));
        Fact::new(Severity::Warning, "gpu_idle", message).hint(
            "the server runs elsewhere, on the CPU, or where NVML cannot see it: say --gpu off, or run this tool on the server's machine",
        )
    })
}

/// The reason that held longest on any of them.
fn throttled(gpus: &[&GpuWindow], reason: &str, bounds: Bounds) -> Option<Fact> {
    let share = |gpu: &GpuWindow| gpu.throttled.as_ref()?.get(reason).copied();
    // What the driver tells as a slowdown of the hardware in general it tells with its cause, too.
    let is_own = |gpu: &&GpuWindow| {
        reason != "hw_slowdown"
            || !["hw_thermal", "hw_power_brake"]
                .iter()
                .any(|known| gpu.throttled.as_ref().is_some_and(|all| all.contains_key(*known)))
    };
    let hit: Vec<(&GpuWindow, f64)> = gpus
        .iter()
        .copied()
        .filter(is_own)
        .filter_map(|gpu| Some((gpu, share(gpu)?)))
        .filter(|(_, share)| *share >= bounds.warning)
        .collect();
    let most = hit.iter().map(|(_, share)| *share).reduce(f64::max)?;
    let severity = if most >= bounds.invalid { Severity::Invalid } else { Severity::Warning };
    let (code, why, remedy) = words(reason);
    let held = names(hit.iter().map(|(gpu, _)| *gpu));
    let longest = if hit.len() > 1 { "up to " } else { "" };
    let celsius = hit.iter().filter_map(|(gpu, _)| gpu.temperature).map(|course| course.max).reduce(f64::max);
    let hottest = celsius.map(|celsius| format!(", at up to {celsius:.0} °C")).unwrap_or_default();
    let message = format!(
        "{} throttled for {longest}{} of the window: {why} ({reason}){hottest}",
        verb(&held, "was", "were"),
        percent(most)
    );
    Some(Fact::new(severity, code, message).hint(remedy))
}

/// The finding's code, what happened, and the remedy.
fn words(reason: &str) -> (&'static str, &'static str, &'static str) {
    const HOT: &str = "see to the cooling, let the card rest between rounds, or lock its clocks (nvidia-smi -lgc) for baseline and candidate alike";
    match reason {
        "hw_thermal" => ("gpu_hw_thermal", "too hot, so the hardware halved its clocks", HOT),
        "sw_thermal" => ("gpu_sw_thermal", "too hot for its clocks", HOT),
        "hw_power_brake" => (
            "gpu_power_brake",
            "the power supply asked for less",
            "see to the machine's power supply and its limits: nothing in the server causes this",
        ),
        "sync_boost" => (
            "gpu_sync_boost",
            "held to the clocks of the slowest card of its group",
            "look at the other cards of the group, or dissolve it",
        ),
        _ => (
            "gpu_hw_slowdown",
            "the hardware halved its clocks",
            "see nvidia-smi -q -d PERFORMANCE for the cause: heat, the power supply or a surge",
        ),
    }
}

fn held_back(gpu: &GpuWindow) -> f64 {
    gpu.throttled.as_ref().and_then(|all| all.get("sw_power_cap")).copied().unwrap_or(0.0)
}

/// The enforced limit and the card's own, where the first is below.
fn cap(gpu: &GpuWindow) -> Option<(f64, f64)> {
    let pair = gpu.power_limit.zip(gpu.power_limit_default);
    pair.filter(|(limit, own)| *limit < CAPPED * own)
}

/// A power limit below the card's own.
fn capped(gpus: &[&GpuWindow]) -> Option<Fact> {
    let hit: Vec<(&GpuWindow, f64, f64)> =
        gpus.iter().filter_map(|gpu| cap(gpu).map(|(limit, own)| (*gpu, limit, own))).collect();
    let (_, limit, own) =
        hit.iter().copied().min_by(|one, other| (one.1 / one.2).total_cmp(&(other.1 / other.2)))?;
    let slowed = hit.iter().any(|(gpu, limit, _)| {
        held_back(gpu) >= LOWERED.warning || gpu.power.is_some_and(|power| power.mean >= NEAR_LIMIT * limit)
    });
    let share = hit.iter().map(|(gpu, ..)| held_back(gpu)).fold(0.0, f64::max);
    let effect = if slowed {
        format!("and was held back by it for {} of the window", percent(share))
    } else {
        "and did not come near it".to_owned()
    };
    let held = names(hit.iter().map(|(gpu, ..)| *gpu));
    let message = format!(
        "{} limited to {limit:.0} W where {own:.0} W is the card's own, {effect}",
        verb(&held, "was", "were")
    );
    let severity = if slowed { Severity::Warning } else { Severity::Info };
    Some(
        Fact::new(severity, "gpu_power_capped", message)
            .hint("raise the limit (nvidia-smi -pl), or compare only with results under the same one"),
    )
}

/// Held back by the card's own power limit.
fn at_limit(gpus: &[&GpuWindow]) -> Option<Fact> {
    let hit: Vec<&GpuWindow> =
        gpus.iter().copied().filter(|gpu| cap(gpu).is_none() && held_back(gpu) >= AT_LIMIT).collect();
    let most = hit.iter().map(|gpu| held_back(gpu)).reduce(f64::max)?;
    let message = format!(
        "{} at the power limit for up to {} of the window, which lowers clocks (sw_power_cap)",
        verb(&names(hit), "was", "were"),
        percent(most)
    );
    Some(Fact::new(Severity::Info, "gpu_power_limit", message))
}

fn shared(gpus: &[&GpuWindow]) -> Option<Fact> {
    let hit: Vec<(&GpuWindow, u64)> = gpus
        .iter()
        .filter_map(|gpu| Some((*gpu, gpu.processes?)))
        .filter(|(_, processes)| *processes > 1)
        .collect();
    let most = hit.iter().map(|(_, processes)| *processes).max()?;
    let message = format!(
        "{} used by up to {most} processes at once: unless all are the server's, others took a part of the time and the memory",
        verb(&names(hit.iter().map(|(gpu, _)| *gpu)), "was", "were")
    );
    Some(
        Fact::new(Severity::Warning, "gpu_shared", message)
            .hint("see `llm-loadtest gpu` for the processes, and stop those that are not the server's"),
    )
}

fn memory_errors(gpus: &[&GpuWindow]) -> Option<Fact> {
    let hit = || gpus.iter().copied().filter(|gpu| gpu.ecc_errors.is_some_and(|errors| errors > 0));
    let errors: u64 = hit().filter_map(|gpu| gpu.ecc_errors).sum();
    (errors > 0).then(|| {
        let message =
            format!("{} {errors} uncorrected memory errors in the window", verb(&names(hit()), "had", "had"));
        Fact::new(Severity::Invalid, "gpu_ecc", message)
            .hint("look at nvidia-smi -q -d ECC,ROW_REMAPPER: reset the card, or have it replaced")
    })
}

fn driver_errors(gpus: &[&GpuWindow]) -> Option<Fact> {
    let hit = || gpus.iter().copied().filter(|gpu| !gpu.xids.is_empty());
    let mut xids: Vec<u64> = hit().flat_map(|gpu| gpu.xids.iter().copied()).collect();
    xids.sort_unstable();
    xids.dedup();
    let ours = xids.iter().all(|xid| OF_PROGRAMS.contains(xid));
    (!xids.is_empty()).then(|| {
        let listed: Vec<String> = xids.iter().map(u64::to_string).collect();
        let severity = if ours { Severity::Warning } else { Severity::Invalid };
        let message = format!(
            "{} critical errors of the driver: Xid {}",
            verb(&names(hit()), "had", "had"),
            listed.join(", ")
        );
        Fact::new(severity, "gpu_xid", message)
            .hint("look up the number in NVIDIA's list of Xid errors, and see dmesg")
    })
}

fn lost(all: &[GpuWindow]) -> Option<Fact> {
    let hit: Vec<&GpuWindow> = all.iter().filter(|gpu| gpu.lost).collect();
    (!hit.is_empty()).then(|| {
        let message =
            format!("{} answering before the window's end", verb(&names(hit), "stopped", "stopped"));
        Fact::new(Severity::Invalid, "gpu_lost", message)
            .hint("see dmesg for Xid 79; the card needs a reset, or a new start of the machine")
    })
}

/// `GPU 0`, `GPUs 0, 1, 2`.
fn names<'a>(gpus: impl IntoIterator<Item = &'a GpuWindow>) -> Vec<String> {
    gpus.into_iter().map(|gpu| gpu.index.to_string()).collect()
}

fn verb(names: &[String], one: &str, many: &str) -> String {
    match names {
        [name] => format!("GPU {name} {one}"),
        names => format!("GPUs {} {many}", names.join(", ")),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Nanos;
    use crate::metrics::{Window, summarize};
    use crate::record::{Course, Observed};

    /// Ten seconds of a server that answers.
    fn level(gpus: Vec<GpuWindow>) -> Summary {
        let window = Window { start: Nanos::ZERO, end: Nanos::from_secs(10.0) };
        let mut summary = summarize(&[], window, &[], false);
        summary.values.insert(Metric::OutputThroughput, 1_000.0);
        summary.with_observed(Observed { gpus, ..Observed::default() })
    }

    fn steady(value: f64) -> Course {
        Course { mean: value, min: value, max: value }
    }

    /// A busy card about which there is nothing to say.
    fn calm(index: u32) -> GpuWindow {
        GpuWindow {
            index,
            name: "H100".to_owned(),
            utilization: Some(steady(0.9)),
            power: Some(steady(500.0)),
            power_limit: Some(700.0),
            power_limit_default: Some(700.0),
            temperature: Some(steady(61.0)),
            throttled: Some(BTreeMap::from([("sw_power_cap".to_owned(), 0.1)])),
            ecc_errors: Some(0),
            processes: Some(1),
            ..GpuWindow::default()
        }
    }

    fn held(index: u32, reasons: &[(&str, f64)]) -> GpuWindow {
        let reasons = reasons.iter().map(|(id, share)| ((*id).to_owned(), *share)).collect();
        GpuWindow { throttled: Some(reasons), ..calm(index) }
    }

    fn found(gpus: Vec<GpuWindow>) -> String {
        let findings = check_gpus(&level(gpus), 2);
        assert!(findings.iter().all(|finding| finding.round == Some(2)));
        let line =
            |finding: &Finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message);
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn calm_cards_and_unknown_ones_are_silent() {
        assert_eq!(found(vec![calm(0), calm(1)]), "");
        assert_eq!(found(vec![GpuWindow::default()]), "");
        assert_eq!(found(Vec::new()), "");
    }

    #[test]
    fn throttling_is_weighed_by_what_it_costs() {
        insta::assert_snapshot!(found(vec![held(0, &[("hw_thermal", 0.02), ("hw_slowdown", 0.02)])]), @"warning gpu_hw_thermal: GPU 0 was throttled for 2 % of the window: too hot, so the hardware halved its clocks (hw_thermal), at up to 61 °C");
        insta::assert_snapshot!(found(vec![held(0, &[("hw_thermal", 0.3)]), held(3, &[("hw_thermal", 0.1)])]), @"invalid gpu_hw_thermal: GPUs 0, 3 were throttled for up to 30 % of the window: too hot, so the hardware halved its clocks (hw_thermal), at up to 61 °C");
        insta::assert_snapshot!(found(vec![held(1, &[("sw_thermal", 0.2), ("hw_slowdown", 0.2)])]), @"
        invalid gpu_hw_slowdown: GPU 1 was throttled for 20 % of the window: the hardware halved its clocks (hw_slowdown), at up to 61 °C
        warning gpu_sw_thermal: GPU 1 was throttled for 20 % of the window: too hot for its clocks (sw_thermal), at up to 61 °C
        ");
        insta::assert_snapshot!(found(vec![held(1, &[("hw_power_brake", 0.05), ("sync_boost", 0.6)])]), @"
        warning gpu_power_brake: GPU 1 was throttled for 5 % of the window: the power supply asked for less (hw_power_brake), at up to 61 °C
        invalid gpu_sync_boost: GPU 1 was throttled for 60 % of the window: held to the clocks of the slowest card of its group (sync_boost), at up to 61 °C
        ");
        assert_eq!(found(vec![held(0, &[("hw_slowdown", 0.005), ("sw_thermal", 0.04)])]), "");
    }

    #[test]
    fn a_power_limit_is_a_cap_only_below_the_cards_own() {
        let capped = |power: f64, share: f64| GpuWindow {
            power: Some(steady(power)),
            power_limit: Some(350.0),
            ..held(0, &[("sw_power_cap", share)])
        };
        insta::assert_snapshot!(found(vec![capped(340.0, 0.8)]), @"warning gpu_power_capped: GPU 0 was limited to 350 W where 700 W is the card's own, and was held back by it for 80 % of the window");
        insta::assert_snapshot!(found(vec![capped(120.0, 0.0)]), @"info gpu_power_capped: GPU 0 was limited to 350 W where 700 W is the card's own, and did not come near it");
        insta::assert_snapshot!(found(vec![held(0, &[("sw_power_cap", 0.5)])]), @"info gpu_power_limit: GPU 0 was at the power limit for up to 50 % of the window, which lowers clocks (sw_power_cap)");
    }

    #[test]
    fn neighbours_errors_and_losses_are_told() {
        let bad = GpuWindow {
            processes: Some(3),
            ecc_errors: Some(2),
            xids: vec![79, 13, 79],
            lost: true,
            ..calm(4)
        };
        insta::assert_snapshot!(found(vec![bad]), @"
        warning gpu_shared: GPU 4 was used by up to 3 processes at once: unless all are the server's, others took a part of the time and the memory
        invalid gpu_ecc: GPU 4 had 2 uncorrected memory errors in the window
        invalid gpu_xid: GPU 4 had critical errors of the driver: Xid 13, 79
        invalid gpu_lost: GPU 4 stopped answering before the window's end
        ");
        insta::assert_snapshot!(found(vec![GpuWindow { xids: vec![31], ..calm(0) }]), @"warning gpu_xid: GPU 0 had critical errors of the driver: Xid 31");
    }

    #[test]
    fn idle_cards_are_told_only_when_all_are() {
        let idle = |index| GpuWindow { utilization: Some(steady(0.0)), processes: Some(2), ..calm(index) };
        assert_eq!(found(vec![calm(0), idle(1)]), "");
        insta::assert_snapshot!(found(vec![idle(0), idle(1)]), @"warning gpu_idle: GPUs 0, 1 were idle while the server answered");
        let short = Summary {
            window: Window { start: Nanos::ZERO, end: Nanos::from_secs(1.0) },
            ..level(vec![idle(0)])
        };
        assert!(check_gpus(&short, 1).is_empty());
    }
}
