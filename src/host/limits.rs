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
        assert!(open_files().is_none_or(|limit| limit > 0));
    }
}
