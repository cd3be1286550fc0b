//! Were two measurements made in the same place?

use super::{Finding, Severity};
use crate::base::Hint;
use crate::record::{Environment, Gpu};

/// What differs between the baseline's environment and this one, with both values. What decides how fast a model runs
/// makes the comparison invalid; what may be the very change under test, or only moves the client, is said.
pub fn check_environment(base: &Environment, now: &Environment) -> Vec<Finding> {
    let driver = |environment: &Environment| environment.gpu_driver.clone();
    let server = |environment: &Environment| environment.server.clone();
    [
        differs(Severity::Invalid, "hardware", "the hardware", Some(&base.hardware), Some(&now.hardware)),
        differs(Severity::Invalid, "gpus", "the GPUs", Some(&gpus(base)), Some(&gpus(now))),
        differs(
            Severity::Invalid,
            "gpu_driver",
            "the GPU driver",
            driver(base).as_ref(),
            driver(now).as_ref(),
        ),
        differs(
            Severity::Invalid,
            "network_path",
            "the network path",
            Some(&base.network_path),
            Some(&now.network_path),
        ),
        differs(Severity::Invalid, "model", "the model", Some(&base.model), Some(&now.model)),
        differs(Severity::Warning, "server", "the server", server(base).as_ref(), server(now).as_ref()),
        differs(Severity::Info, "client_cpu", "the client's CPU", Some(&cpu(base)), Some(&cpu(now))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Silent where one side does not know: nothing was shown to differ.
fn differs(
    severity: Severity,
    code: &str,
    what: &str,
    base: Option<&String>,
    now: Option<&String>,
) -> Option<Finding> {
    let (base, now) = (base?, now?);
    let hint = match severity {
        Severity::Invalid => {
            Some(Hint::new("compare with a baseline from the same place, or store a new one here"))
        }
        Severity::Warning | Severity::Info => None,
    };
    (base != now).then(|| Finding {
        severity,
        code: code.to_owned(),
        message: format!("{what} changed from '{base}' (baseline) to '{now}'"),
        hint,
        level: None,
        round: None,
    })
}

fn cpu(environment: &Environment) -> String {
    format!("{}, {} cores", environment.cpu, environment.cpu_cores)
}

/// `4 × H100 80 GiB`, whatever the order in which the driver lists them.
fn gpus(environment: &Environment) -> String {
    let mut all: Vec<&Gpu> = environment.gpus.iter().collect();
    all.sort();
    let kinds = all.chunk_by(|a, b| a == b).filter_map(|same| {
        let Gpu { name, memory } = same.first()?;
        Some(format!("{} × {name} {} GiB", same.len(), memory >> 30))
    });
    let text = kinds.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "none visible".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Environment {
        let gpu = |name: &str| Gpu { name: name.to_owned(), memory: 80 << 30 };
        Environment {
            gpus: vec![gpu("H100"), gpu("A100"), gpu("H100")],
            gpu_driver: Some("580.10".to_owned()),
            hardware: "h100".to_owned(),
            server: Some("vllm 0.11.0".to_owned()),
            network_path: "loopback".to_owned(),
            model: "qwen3-14b".to_owned(),
            cpu: "EPYC".to_owned(),
            cpu_cores: 8,
            ..Environment::default()
        }
    }

    fn words(base: &Environment, now: &Environment) -> String {
        check_environment(base, now)
            .iter()
            .map(|finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_same_place_is_silent_in_any_order_of_gpus() {
        let mut now = place();
        now.gpus.reverse();
        now.tool = "9.9".to_owned();
        assert_eq!(words(&place(), &now), "");
    }

    #[test]
    fn every_difference_names_both_values() {
        let mut now = place();
        now.gpus.truncate(1);
        now.gpu_driver = Some("590.1".to_owned());
        now.hardware = "b200".to_owned();
        now.server = Some("vllm 0.12.0".to_owned());
        now.network_path = "remote".to_owned();
        now.model = "qwen3-8b".to_owned();
        now.cpu_cores = 4;
        insta::assert_snapshot!(words(&place(), &now), @r"
        invalid hardware: the hardware changed from 'h100' (baseline) to 'b200'
        invalid gpus: the GPUs changed from '1 × A100 80 GiB, 2 × H100 80 GiB' (baseline) to '1 × H100 80 GiB'
        invalid gpu_driver: the GPU driver changed from '580.10' (baseline) to '590.1'
        invalid network_path: the network path changed from 'loopback' (baseline) to 'remote'
        invalid model: the model changed from 'qwen3-14b' (baseline) to 'qwen3-8b'
        warning server: the server changed from 'vllm 0.11.0' (baseline) to 'vllm 0.12.0'
        info client_cpu: the client's CPU changed from 'EPYC, 8 cores' (baseline) to 'EPYC, 4 cores'
        ");
    }

    #[test]
    fn what_one_side_does_not_know_is_no_difference() {
        let now = Environment { gpu_driver: None, server: None, ..place() };
        assert_eq!(words(&place(), &now), "");
    }

    #[test]
    fn gpus_that_cannot_be_seen_any_more_are_a_difference() {
        let now = Environment { gpus: Vec::new(), ..place() };
        insta::assert_snapshot!(words(&place(), &now), @"invalid gpus: the GPUs changed from '1 × A100 80 GiB, 2 × H100 80 GiB' (baseline) to 'none visible'");
    }
}
