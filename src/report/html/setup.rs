//! Where and how it was measured.

use maud::{Markup, html};

use super::shown;
use crate::document::v1::{LoadDocument, RunDocument};
use crate::report::number::count;

pub(super) fn section(run: &RunDocument, reproduce: Option<&str>) -> Markup {
    html! {
        section aria-labelledby="setup" {
            h2 #setup { "Environment and plan" }
            div.pairs {
                (list("Environment", &environment(run)))
                (list("Plan", &plan(run)))
            }
            @if let Some(command) = reproduce {
                h3 { "Measure it again" }
                pre tabindex="0" { code { (shown(command, 4_000)) } }
            }
        }
    }
}

fn list(title: &str, pairs: &[(&str, String)]) -> Markup {
    html! {
        div {
            h3 { (title) }
            dl.list {
                @for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
                    dt { (name) }
                    dd { (shown(value, 500)) }
                }
            }
        }
    }
}

fn environment(run: &RunDocument) -> Vec<(&'static str, String)> {
    let environment = &run.environment;
    let common = [("model", run.fingerprint.model.clone()), ("hardware", run.fingerprint.hardware.clone())];
    if let Some(imported) = &run.imported {
        let more = [
            ("measured by", imported.title().to_owned()),
            ("its version", imported.version.clone().unwrap_or_default()),
            ("measured", imported.measured.clone().unwrap_or_default()),
            ("files", imported.files.join(", ")),
            ("not told by them", imported.unsaid.join(", ")),
        ];
        return common.into_iter().chain(more).collect();
    }
    let gpus: Vec<String> = environment.gpus.iter().map(|gpu| gpu.name.clone()).collect();
    let more = [
        ("server", environment.server.clone().unwrap_or_default()),
        ("target", run.plan.target.url.clone()),
        ("network", environment.network_path.clone()),
        ("GPUs", gpus.join(", ")),
        ("GPU driver", environment.gpu_driver.clone().unwrap_or_default()),
        ("client", format!("{}, {} cores", environment.cpu, environment.cpu_cores)),
        ("memory", format!("{} GB", environment.memory_bytes >> 30)),
        ("system", environment.os.clone()),
        ("container", if environment.container { "yes".to_owned() } else { String::new() }),
    ];
    common.into_iter().chain(more).collect()
}

fn plan(run: &RunDocument) -> Vec<(&'static str, String)> {
    let workload = &run.plan.workload;
    let levels: Vec<String> = workload.levels.iter().map(load).collect();
    let slos: Vec<String> = workload.slos.iter().map(crate::report::cell::slo).collect();
    let ours = run.imported.is_none();
    let own = |text: String| if ours { text } else { String::new() };
    vec![
        ("workload", run.name.clone()),
        ("fingerprint", run.fingerprint.workload_hash.clone()),
        ("API", format!("{}{}", workload.api, if workload.stream { ", streaming" } else { "" })),
        ("prompts", format!("{}, {} tokens", workload.dataset, workload.input_tokens)),
        (
            "answers",
            workload.output_tokens.clone().map(|tokens| format!("{tokens} tokens")).unwrap_or_default(),
        ),
        ("levels", levels.join("; ")),
        ("SLOs", slos.join(", ")),
        ("prefix cache", own(workload.cache.clone())),
        ("tokenizer", workload.tokenizer.clone().unwrap_or_default()),
        ("temperature", workload.sampling.temperature.map(|t| t.to_string()).unwrap_or_default()),
        ("extra body", workload.sampling.extra_body.clone().unwrap_or_default()),
        ("seed", own(run.plan.seed.to_string())),
    ]
}

fn load(level: &LoadDocument) -> String {
    let LoadDocument {
        label,
        concurrency: _,
        rate: _,
        arrivals,
        burstiness,
        ramp_up_s,
        ramp_up_from,
        stages: _,
        trace: _,
        max_in_flight,
        requests,
        duration_s,
    } = level;
    let from = ramp_up_from.map(|from| format!(" from {from} req/s")).unwrap_or_default();
    let parts = [
        arrivals.clone().map(|law| match burstiness {
            Some(shape) => format!("{law}, burstiness {shape}"),
            None => law,
        }),
        ramp_up_s.map(|seconds| format!("ramp-up{from} over {seconds} s")),
        max_in_flight.map(|max| format!("at most {max} in flight")),
        requests.map(|requests| format!("{} requests", count(requests))),
        duration_s.map(|seconds| format!("{seconds} s")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { label.clone() } else { format!("{label} ({})", parts.join(", ")) }
}
