//! The machine that asks: proxies, limits.

use super::check::{Check, diagnosis};
use super::facts::Place;

/// Fewer open files than this end a load of a thousand clients.
const FILES_WANTED: u64 = 4_096;
/// Fewer local ports than this end a load that opens many connections.
const PORTS_WANTED: u64 = 10_000;

pub(super) fn checks(place: &Place) -> Vec<Check> {
    [Some(proxies(&place.proxies)), place.open_files.map(files), place.ports.map(ports)]
        .into_iter()
        .flatten()
        .collect()
}

/// Load goes past proxies, so one that is set explains why other tools see another server, and is no fault.
fn proxies(names: &[String]) -> Check {
    match names {
        [] => Check::fine("proxy", "no proxy is set in the environment"),
        names => Check::fine(
            "proxy",
            format!("{} is set: curl and SDKs may go through a proxy, the load never does", names.join(", ")),
        ),
    }
}

fn files(limit: u64) -> Check {
    if limit >= FILES_WANTED {
        let most = if limit == u64::MAX { "without a limit".to_owned() } else { format!("up to {limit}") };
        return Check::fine("open_files", format!("this shell may open files {most}"));
    }
    Check::warning(
        "open_files",
        format!("this shell may open {limit} files"),
        diagnosis([
            "connections fail at high concurrency although the server is well".to_owned(),
            "every connection is an open file, and this shell allows few of them".to_owned(),
            format!("ulimit -n is {limit}: about {} clients at once", limit.saturating_sub(64)),
            "raise it before the run: ulimit -n 65536 (in a container: --ulimit nofile=65536)".to_owned(),
            "ulimit -n prints the new limit".to_owned(),
        ]),
    )
}

fn ports(count: u64) -> Check {
    if count >= PORTS_WANTED {
        return Check::fine("ports", format!("{count} local ports for connections"));
    }
    Check::warning(
        "ports",
        format!("{count} local ports for connections"),
        diagnosis([
            "connections fail with 'cannot assign requested address' after a while".to_owned(),
            "each connection leaves from a port of its own, which stays taken for a minute after its end"
                .to_owned(),
            format!("net.ipv4.ip_local_port_range leaves {count} ports"),
            "widen it: sysctl -w net.ipv4.ip_local_port_range='10240 65535'".to_owned(),
            "cat /proc/sys/net/ipv4/ip_local_port_range".to_owned(),
        ]),
    )
}
