//! What the system allows this process.

use std::fs;

/// The soft limit on open files (`ulimit -n`), `u64::MAX` when there is none; unknown outside Linux.
pub fn open_files() -> Option<u64> {
    soft_nofile(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// Reads the line `Max open files  <soft>  <hard>  files` of proc(5).
fn soft_nofile(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        soft => soft.parse().ok(),
    }
}

/// How many local ports connections may leave from; unknown outside Linux.
pub fn local_ports() -> Option<u64> {
    port_count(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

/// Reads the first and the last port of ip(7)'s `ip_local_port_range`.
fn port_count(range: &str) -> Option<u64> {
    let mut ends = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some((last + 1).saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             1                    2                    processes\n\
                      Max open files            1024                 1048576              files\n";
        assert_eq!(soft_nofile(limits), Some(1024));
        assert_eq!(
            soft_nofile("Max open files            unlimited            unlimited            files"),
            Some(u64::MAX)
        );
        assert_eq!(soft_nofile(""), None);
        assert_eq!((port_count("32768\t60999\n"), port_count("much")), (Some(28_232), None));
        assert!(open_files().is_none_or(|limit| limit > 0));
    }
}
