//! Did the client's machine hold it back?

use super::level::Fact;
use super::{MachineLoad, Severity};

/// Share of the allowed open files, and of the local ports, from which the next connection may be refused.
const FILES: f64 = 0.9;
const PORTS: f64 = 0.8;
/// Share of TCP segments sent again above which a network loses what is sent (a healthy one of a data centre stays below a
/// hundredth of this), and how many there must be.
const RESENT: f64 = 1e-3;
const RESENT_LEAST: u64 = 10;
/// Share of the window without the CPU: a hundredth is a p99 of its own, a tenth is another load.
const THROTTLED_WARNING: f64 = 0.01;
const THROTTLED_INVALID: f64 = 0.1;
/// Share of all cores' time; on fewer cores than the client needs, loop lag shows it, too.
const STOLEN: f64 = 0.05;

/// Whatever came near its limit.
pub(super) fn check(load: &MachineLoad) -> Vec<Fact> {
    let MachineLoad { files, ports, resent, throttled, stolen } = *load;
    [
        files.and_then(open_files),
        ports.and_then(local_ports),
        resent.and_then(network),
        throttled.and_then(limit),
        stolen.and_then(neighbours),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn open_files((used, allowed): (u64, u64)) -> Option<Fact> {
    (used as f64 > FILES * allowed as f64).then(|| {
        let message = format!(
            "the load generator had {used} files open of the {allowed} it may have (bound {:.0} %): connections beyond them fail here, not at the server",
            FILES * 100.0
        );
        let hint = format!("raise the limit (ulimit -n {}), or lower the concurrency", allowed.saturating_mul(4));
        Fact::new(Severity::Warning, "client_files", message).hint(&hint)
    })
}

fn local_ports((used, range): (u64, u64)) -> Option<Fact> {
    (used as f64 > PORTS * range as f64).then(|| {
        let message = format!(
            "{used} of this machine's {range} local ports were in use or waiting to be free again (bound {:.0} %): new connections fail when there is none",
            PORTS * 100.0
        );
        Fact::new(Severity::Warning, "client_ports", message).hint(
            "is the server closing its connections after each request? Widen net.ipv4.ip_local_port_range, set net.ipv4.tcp_tw_reuse=1, or split the load with --shard",
        )
    })
}

fn network((resent, sent): (u64, u64)) -> Option<Fact> {
    let share = resent as f64 / sent.max(1) as f64;
    (resent >= RESENT_LEAST && share > RESENT).then(|| {
        let message = format!(
            "this machine sent {resent} of {sent} TCP segments again ({:.2} %; bound {:.1} %): the network loses what is sent, and each loss delays a request by 200 ms or more",
            share * 100.0,
            RESENT * 100.0
        );
        Fact::new(Severity::Warning, "client_retransmits", message)
            .hint("measure from a machine nearer to the server, and look at both ends' network cards and at what lies between")
    })
}

fn limit(share: f64) -> Option<Fact> {
    let severity = if share > THROTTLED_INVALID {
        Severity::Invalid
    } else if share > THROTTLED_WARNING {
        Severity::Warning
    } else {
        return None;
    };
    let message = format!(
        "a CPU limit kept the load generator from running for {:.1} % of the window (bounds {:.0} % and {:.0} %), which is in its latencies",
        share * 100.0,
        THROTTLED_WARNING * 100.0,
        THROTTLED_INVALID * 100.0
    );
    let fact = Fact::new(severity, "client_throttled", message);
    Some(fact.hint("raise or remove the CPU limit of the client's container or job (docker run --cpus, resources.limits.cpu)"))
}

fn neighbours(share: f64) -> Option<Fact> {
    (share > STOLEN).then(|| {
        let message = format!(
            "the hypervisor gave {:.1} % of this machine's CPU time to others (bound {:.0} %), so the load generator may have waited for a core",
            share * 100.0,
            STOLEN * 100.0
        );
        Fact::new(Severity::Warning, "client_stolen", message)
            .hint("run the client on a dedicated or larger machine")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(load: MachineLoad) -> String {
        let found = check(&load).into_iter().map(|fact| fact.found(Some("c=1".to_owned()), 1));
        found
            .map(|finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn what_stays_below_its_bound_is_silent() {
        let calm = MachineLoad {
            files: Some((900, 1_000)),
            ports: Some((800, 1_000)),
            resent: Some((9, 100)),
            throttled: Some(0.01),
            stolen: Some(0.05),
        };
        assert_eq!(words(calm), "");
        assert_eq!(words(MachineLoad { resent: Some((10, 10_000)), ..MachineLoad::default() }), "");
        assert_eq!(words(MachineLoad::default()), "");
    }

    #[test]
    fn every_limit_is_named_with_its_numbers() {
        let strained = MachineLoad {
            files: Some((1_000, 1_024)),
            ports: Some((27_000, 28_232)),
            resent: Some((150, 10_000)),
            throttled: Some(0.05),
            stolen: Some(0.2),
        };
        insta::assert_snapshot!(words(strained), @"
        warning client_files: the load generator had 1000 files open of the 1024 it may have (bound 90 %): connections beyond them fail here, not at the server
        warning client_ports: 27000 of this machine's 28232 local ports were in use or waiting to be free again (bound 80 %): new connections fail when there is none
        warning client_retransmits: this machine sent 150 of 10000 TCP segments again (1.50 %; bound 0.1 %): the network loses what is sent, and each loss delays a request by 200 ms or more
        warning client_throttled: a CPU limit kept the load generator from running for 5.0 % of the window (bounds 1 % and 10 %), which is in its latencies
        warning client_stolen: the hypervisor gave 20.0 % of this machine's CPU time to others (bound 5 %), so the load generator may have waited for a core
        ");
        assert!(
            words(MachineLoad { throttled: Some(0.11), ..MachineLoad::default() })
                .starts_with("invalid client_throttled")
        );
    }
}
