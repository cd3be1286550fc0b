//! What this process has used so far, for the check that the client was not the bottleneck.

use std::fs;

/// Own usage at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnUsage {
    /// User and system time of all threads since the process began, in seconds, in steps of 10 ms.
    pub cpu_seconds: f64,
    /// Open file descriptors, sockets included.
    pub open_files: u64,
}

/// This process's usage now; unknown outside Linux.
pub fn own() -> Option<OwnUsage> {
    Some(OwnUsage {
        cpu_seconds: cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?)?,
        // One of them is the listing itself.
        open_files: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
    })
}

/// Ticks of proc(5) per second. Linux fixes `USER_HZ` at 100 on every architecture that we build for, whatever the kernel's
/// own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Fields 14 (`utime`) and 15 (`stime`) of proc(5)'s stat. Field 2 is the command's name in parentheses and may itself hold
/// spaces and parentheses, so counting starts behind its last one, at field 3.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(14 - 3);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "42 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("42 (a) R 1 2"), None);
    }

    #[test]
    fn we_use_something_and_it_grows() {
        let Some(first) = own() else { return };
        let second = own().unwrap();
        assert!(first.open_files >= 1 && second.cpu_seconds >= first.cpu_seconds);
    }
}
