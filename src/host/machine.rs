//! What this machine is, as far as it says so without being asked twice.

use std::fs;
use std::thread::available_parallelism;

/// The machine that the load comes from. What cannot be known is `unknown`, or 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFacts {
    /// The distribution's own name for itself, for example `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    pub cpu: String,
    /// Cores that this process may use, which affinity and container limits may make fewer than there are.
    pub cpu_cores: u32,
    pub memory_bytes: u64,
    /// Whether we run inside a Docker or Podman container.
    pub container: bool,
}

/// The facts about this machine. Never fails.
pub fn machine() -> MachineFacts {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    MachineFacts {
        os: os_name(&read("/etc/os-release")).unwrap_or_else(unknown),
        cpu: cpu_name(&read("/proc/cpuinfo")).unwrap_or_else(unknown),
        cpu_cores: available_parallelism().map_or(0, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory_total(&read("/proc/meminfo")).unwrap_or(0),
        container: super::network::is_container(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// `PRETTY_NAME="…"` of os-release(5).
fn os_name(release: &str) -> Option<String> {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty())
}

/// `model name : …`, which x86 writes; most ARM kernels name no model.
fn cpu_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
}

/// `MemTotal: … kB`, where proc(5) means KiB.
fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        let release = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(os_name(release).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC  9654 96-Core Processor\n";
        assert_eq!(cpu_name(cpuinfo).as_deref(), Some("AMD EPYC 9654 96-Core Processor"));
        assert_eq!(memory_total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16_777_216));
        assert_eq!((os_name(""), cpu_name("x"), memory_total("MemTotal: much")), (None, None, None));
    }

    #[test]
    fn this_machine_has_a_core() {
        let facts = machine();
        assert!(facts.cpu_cores > 0 && !facts.os.is_empty() && !facts.cpu.is_empty());
    }
}
