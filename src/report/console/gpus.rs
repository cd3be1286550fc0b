//! The GPUs of this machine on a terminal.

use super::style::{Paint, Style, table};
use crate::document::v1::{GpuNowDocument, GpuProcessDocument, GpusDocument};
use crate::record::Unit;
use crate::report::number::{percent, quantity, significant};
use crate::report::text::plain;

const HEADER: [&str; 9] =
    ["GPU", "utilisation", "memory", "power", "limit", "energy", "°C", "SM / memory MHz", "clocks"];

/// A row for each GPU, and below it what does not fit there. Ends with a newline.
pub fn render_gpus(gpus: &GpusDocument, style: Style) -> String {
    let versions = [
        gpus.driver.as_ref().map(|driver| format!("NVIDIA driver {driver}")),
        gpus.cuda.as_ref().map(|cuda| format!("CUDA {cuda}")),
    ];
    let versions: Vec<String> = versions.into_iter().flatten().collect();
    let mut out = Vec::new();
    if !versions.is_empty() {
        out.push(style.paint(Paint::Bold, &plain(&format!("{} · {}", gpus.at, versions.join(", ")))));
    }
    if !gpus.gpus.is_empty() {
        let rows: Vec<Vec<String>> = gpus.gpus.iter().map(row).collect();
        out.extend(table(&HEADER, &rows, Some(HEADER.len() - 1), style));
        out.extend(gpus.gpus.iter().map(|gpu| format!("  {}", plain(&details(gpu)))));
    }
    out.extend(gpus.notes.iter().map(|note| plain(note)));
    out.push(String::new());
    out.join("\n")
}

fn row(gpu: &GpuNowDocument) -> Vec<String> {
    let watts = |watts: Option<f64>| watts.map_or_else(dash, |watts| quantity(watts, Unit::Watts));
    let gigabytes = |bytes: f64| significant(bytes / 1e9);
    let clock = |clock: Option<f64>| clock.map_or_else(dash, significant);
    let reasons = gpu.clock_reasons.as_ref().map(|reasons| reasons.join(" "));
    vec![
        format!("{} {}", gpu.index, gpu.name),
        gpu.utilization.map_or_else(dash, percent),
        match (gpu.memory_used_bytes, gpu.memory_total_bytes) {
            (Some(used), Some(total)) => format!("{} of {} GB", gigabytes(used), gigabytes(total as f64)),
            _ => dash(),
        },
        watts(gpu.power_w),
        watts(gpu.power_limit_w),
        gpu.energy_j.map_or_else(dash, |joules| format!("{} kJ", significant(joules / 1e3))),
        gpu.temperature_c.map_or_else(dash, significant),
        format!("{} / {}", clock(gpu.sm_clock_mhz), clock(gpu.memory_clock_mhz)),
        if gpu.lost {
            "lost".to_owned()
        } else {
            reasons.map_or_else(dash, |reasons| if reasons.is_empty() { "free".to_owned() } else { reasons })
        },
    ]
}

/// `0: GPU-5ad2…, MIG off, 2 processes: 4000 (1.07 GB), 4001`.
fn details(gpu: &GpuNowDocument) -> String {
    let mig = gpu.mig.map(|mig| format!("MIG {}", if mig { "on" } else { "off" }));
    let capped = gpu.power_limit_w.zip(gpu.power_limit_default_w).filter(|(limit, own)| limit < own);
    let capped = capped.map(|(_, own)| format!("its own limit is {}", quantity(own, Unit::Watts)));
    let errors = gpu.ecc_errors.filter(|errors| *errors > 0);
    let errors = errors.map(|errors| format!("{errors} uncorrected memory errors"));
    let processes = gpu.processes.as_ref().map(|all| {
        let listed: Vec<String> = all.iter().map(process).collect();
        match listed.len() {
            0 => "no process".to_owned(),
            1 => format!("process {}", listed.join(", ")),
            _ => format!("processes {}", listed.join(", ")),
        }
    });
    let words: Vec<String> =
        [gpu.uuid.clone(), mig, capped, errors, processes].into_iter().flatten().collect();
    format!("{}: {}", gpu.index, if words.is_empty() { dash() } else { words.join(", ") })
}

fn process(process: &GpuProcessDocument) -> String {
    let GpuProcessDocument { pid, memory_bytes } = process;
    match memory_bytes {
        Some(bytes) => format!("{pid} ({} GB)", significant(*bytes as f64 / 1e9)),
        None => pid.to_string(),
    }
}

fn dash() -> String {
    "-".to_owned()
}
