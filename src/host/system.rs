//! What a bug report needs to know of this machine besides its name: kernel, governor, limits, what runs containers here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::limits;

/// What the system says of itself. What it does not say is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemFacts {
    /// Release of the kernel, for example `6.1.0-18-amd64`.
    pub kernel: Option<String>,
    /// What sets the clocks of the CPU, each once: `performance`, `powersave`.
    pub governors: Vec<String>,
    /// Cores that a cgroup allows, in thousandths; none where it sets no bound.
    pub cpu_quota_millis: Option<u64>,
    /// Bytes that a cgroup allows.
    pub memory_limit: Option<u64>,
    /// Soft limit on open files; `u64::MAX` without a bound.
    pub open_files: Option<u64>,
    /// First and last port that the kernel gives to a connection of ours.
    pub ports: Option<(u16, u16)>,
    /// Container engines whose socket is here.
    pub container_engines: Vec<String>,
    /// The CI that we run in, by its own variable.
    pub ci: Option<&'static str>,
}

/// Where Docker and Podman listen.
const SOCKETS: [(&str, &str); 3] = [
    ("/var/run/docker.sock", "docker"),
    ("/run/podman/podman.sock", "podman"),
    ("/run/containerd/containerd.sock", "containerd"),
];

/// Variables that each CI sets, the general one last.
const CIS: [(&str, &str); 7] = [
    ("GITHUB_ACTIONS", "GitHub Actions"),
    ("GITLAB_CI", "GitLab CI"),
    ("BUILDKITE", "Buildkite"),
    ("JENKINS_URL", "Jenkins"),
    ("CIRCLECI", "CircleCI"),
    ("TF_BUILD", "Azure Pipelines"),
    ("CI", "unknown"),
];

/// Kernels have no more CPUs than this.
const CPUS_MAX: usize = 8_192;

/// The facts about the system. Never fails.
pub fn system() -> SystemFacts {
    let read = |path: &str| fs::read_to_string(path).ok();
    let line = |path: &str| read(path).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let quota = read("/sys/fs/cgroup/cpu.max").and_then(|text| quota_of_v2(&text)).or_else(|| {
        let number = |name: &str| line(&format!("/sys/fs/cgroup/cpu/{name}"))?.parse::<i64>().ok();
        quota(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
    });
    let memory = line("/sys/fs/cgroup/memory.max")
        .or_else(|| line("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
        .and_then(|text| memory_limit(&text));
    SystemFacts {
        kernel: line("/proc/sys/kernel/osrelease"),
        governors: governors(),
        cpu_quota_millis: quota,
        memory_limit: memory,
        open_files: limits::open_files(),
        ports: read("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| ports(&text)),
        container_engines: SOCKETS
            .iter()
            .filter(|(path, _)| Path::new(path).exists())
            .map(|(_, name)| (*name).to_owned())
            .collect(),
        ci: ci(&super::env::vars()),
    }
}

fn governors() -> Vec<String> {
    let mut found: Vec<String> = (0..CPUS_MAX)
        .map_while(|cpu| {
            fs::read_to_string(format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor")).ok()
        })
        .map(|text| text.trim().to_owned())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn ci(variables: &BTreeMap<String, String>) -> Option<&'static str> {
    let set = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty() && value != "false");
    CIS.into_iter().find(|(name, _)| set(name)).map(|(_, ci)| ci)
}

/// `max 100000`, `150000 100000` of cgroup v2.
fn quota_of_v2(text: &str) -> Option<u64> {
    let mut fields = text.split_whitespace().map(|field| field.parse::<i64>().ok());
    quota(fields.next()??, fields.next()??)
}

/// Thousandths of a core; a quota below zero is none.
fn quota(quota: i64, period: i64) -> Option<u64> {
    (quota > 0 && period > 0).then(|| quota.unsigned_abs().saturating_mul(1_000) / period.unsigned_abs())
}

/// `max`, or bytes; cgroup v1 writes a number near 2⁶³ for no bound.
fn memory_limit(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|bytes| *bytes < 1 << 60)
}

/// `32768 60999`, with a tab between them.
fn ports(text: &str) -> Option<(u16, u16)> {
    let mut fields = text.split_whitespace().map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        assert_eq!(quota_of_v2("150000 100000\n"), Some(1_500));
        assert_eq!((quota_of_v2("max 100000"), quota_of_v2(""), quota(-1, 100_000)), (None, None, None));
        assert_eq!(memory_limit("4294967296"), Some(4 << 30));
        assert_eq!((memory_limit("max"), memory_limit("9223372036854771712")), (None, None));
        assert_eq!(ports("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(ports("32768"), None);
    }

    #[test]
    fn a_ci_is_known_by_its_variable() {
        let ci_of = |names: &[(&str, &str)]| {
            ci(&names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(ci_of(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]), Some("GitHub Actions"));
        assert_eq!(ci_of(&[("CI", "true")]), Some("unknown"));
        assert_eq!((ci_of(&[("CI", "false")]), ci_of(&[])), (None, None));
    }

    #[test]
    fn this_machine_has_a_kernel() {
        let facts = system();
        assert!(facts.kernel.is_some_and(|kernel| kernel.starts_with(|c: char| c.is_ascii_digit())));
    }
}
