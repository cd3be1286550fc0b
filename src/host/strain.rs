//! What this machine suffers under load: sockets, retransmissions, throttled and stolen CPU time. Unknown outside Linux.

use std::fs;

/// The machine's counters at one moment; each is absent where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strain {
    /// TCP segments sent again, and sent at all, by all processes of this network namespace.
    pub resent: Option<u64>,
    pub segments: Option<u64>,
    /// Microseconds in which the cgroup's limit kept its processes from running.
    pub throttled_us: Option<u64>,
    /// Ticks of all cores that a hypervisor gave to others, and all ticks.
    pub stolen: Option<u64>,
    pub ticks: Option<u64>,
}

/// The machine's counters now. Never fails.
pub fn strain() -> Strain {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (resent, segments) = segments(&read("/proc/net/snmp")).unzip();
    let (stolen, ticks) = ticks(&read("/proc/stat")).unzip();
    let group = cgroup(&read("/proc/self/cgroup")).unwrap_or_default();
    // Within a container its own group is mounted as the root.
    let throttled_us = [format!("/sys/fs/cgroup{group}/cpu.stat"), "/sys/fs/cgroup/cpu.stat".to_owned()]
        .iter()
        .find_map(|path| throttled(&read(path)));
    Strain { resent, segments, throttled_us, stolen, ticks }
}

/// Local ports in use towards servers, those in `TIME_WAIT` included, and how many there are to give; all processes of this network
/// namespace share them.
pub fn ports() -> Option<(u64, u64)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let range = port_range(&read("/proc/sys/net/ipv4/ip_local_port_range"))?;
    Some((sockets(&read("/proc/net/sockstat"))?, range))
}

/// `RetransSegs` and `OutSegs` of the two `Tcp:` lines, the first of which holds names.
fn segments(snmp: &str) -> Option<(u64, u64)> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Tcp:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let at = names.split_whitespace().position(|name| name == wanted)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    Some((value("RetransSegs")?, value("OutSegs")?))
}

/// `TCP: inuse 5 orphan 0 tw 3 alloc 9 mem 1`: those in use and those in `TIME_WAIT`.
fn sockets(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let value = |wanted: &str| -> Option<u64> {
        let pair = words.chunks(2).find(|pair| pair.first() == Some(&wanted))?;
        pair.get(1)?.parse().ok()
    };
    Some(value("inuse")? + value("tw")?)
}

/// `32768 60999`, both ends included.
fn port_range(text: &str) -> Option<u64> {
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    last.checked_sub(first).map(|span| span + 1)
}

/// The path of cgroup v2, the line that begins with `0::`.
fn cgroup(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.trim_end_matches('/').to_owned())
}

/// `throttled_usec` of cpu.stat.
fn throttled(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("throttled_usec "))?.trim().parse().ok()
}

/// Field 8 (`steal`) of proc(5)'s line of all cores, and the sum of the first eight; guests' time is in user time already.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    Some((*fields.get(7)?, fields.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_read() {
        let snmp = "Ip: Forwarding\nIp: 1\nTcp: RtoMin OutSegs RetransSegs InErrs\nTcp: 200 9000 12 0\n";
        assert_eq!(segments(snmp), Some((12, 9_000)));
        let sockstat =
            "sockets: used 200\nTCP: inuse 25 orphan 0 tw 113 alloc 30 mem 4\nUDP: inuse 3 mem 1\n";
        assert_eq!(sockets(sockstat), Some(138));
        assert_eq!(port_range("32768\t60999\n"), Some(28_232));
        assert_eq!(cgroup("1:cpu:/a\n0::/user.slice/x.scope\n").as_deref(), Some("/user.slice/x.scope"));
        assert_eq!(cgroup("0::/\n").as_deref(), Some(""));
        assert_eq!(throttled("usage_usec 5\nnr_throttled 2\nthrottled_usec 40000\n"), Some(40_000));
        assert_eq!(ticks("cpu  100 0 50 800 10 0 5 35 7 0\ncpu0 1 1 1 1 1 1 1 1\n"), Some((35, 1_000)));
    }

    #[test]
    fn other_texts_say_nothing() {
        assert_eq!(
            (segments("Tcp: OutSegs\nTcp: 1\n"), sockets("TCP: inuse 1"), port_range("9 x")),
            (None, None, None)
        );
        assert_eq!((cgroup("4:cpu:/x"), throttled("usage_usec 5"), ticks("cpu 1 2 3")), (None, None, None));
        assert_eq!(port_range("60999 32768"), None);
    }

    #[test]
    fn counters_of_this_machine_do_not_fall() {
        let (before, after) = (strain(), strain());
        assert!(after.segments >= before.segments && after.ticks >= before.ticks);
        assert!(ports().is_none_or(|(_, range)| range > 0));
    }
}
