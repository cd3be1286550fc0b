//! Was the load generator itself the bottleneck?

use super::level::Fact;
use super::{Finding, Severity, machine};
use crate::base::Nanos;

/// What the client saw of itself during one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClientLoad {
    /// Own CPU seconds over wall seconds and cores, in `0..=1`.
    pub cpu_share: f64,
    /// Share of the window that the engine's loop was at work, in `0..=1`: at 1 it is the bottleneck.
    pub loop_busy: f64,
    /// How late a timer of the engine's own fired: its 99th percentile, and the worst.
    pub loop_lag_p99: Nanos,
    pub loop_lag_max: Nanos,
    /// 95th percentile of the shortest latency that is measured: TTFT, else E2E; zero when nothing was measured.
    pub tail: Nanos,
    pub machine: MachineLoad,
    /// Requests that found their connection closed by the server before their first byte, and were sent again.
    pub reconnects: u64,
}

/// What the client's machine suffered meanwhile; what is not known is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MachineLoad {
    /// Most open files of this process, and how many it may have.
    pub files: Option<(u64, u64)>,
    /// Most local ports in use, and how many there are.
    pub ports: Option<(u64, u64)>,
    /// TCP segments sent again, and sent at all.
    pub resent: Option<(u64, u64)>,
    /// Share of the window in which a CPU limit kept the client from running; of several cores each counts.
    pub throttled: Option<f64>,
    /// Share of all cores' time that a hypervisor gave to others.
    pub stolen: Option<f64>,
}

/// A timer this late at the 99th percentile delays the instants that latencies are made of by as much, the tail of one adding
/// to the tail of the other. Where that is long, a share of it (in percent) is the bound: 20 ms are everything to a TTFT of
/// 40 ms and nothing to one of 2 s.
const LAG_INVALID: (Nanos, u64) = (Nanos(10_000_000), 10);
const LAG_WARNING: (Nanos, u64) = (Nanos(3_000_000), 3);
const CPU_WARNING: f64 = 0.9;
/// A loop this busy has no reserve: what comes in bursts waits in the sockets.
const BUSY_WARNING: f64 = 0.9;

/// Invalid when the client was starved: the numbers are then its own, not the server's.
pub fn check_client(load: &ClientLoad, round: u32) -> Vec<Finding> {
    let ClientLoad { cpu_share, loop_busy, loop_lag_p99, loop_lag_max, tail, machine, reconnects } = *load;
    let bound = |(least, percent): (Nanos, u64)| least.max(Nanos(tail.0 / 100 * percent));
    let lag = if loop_lag_p99 > bound(LAG_INVALID) {
        Some((
            Severity::Invalid,
            bound(LAG_INVALID),
            "was starved, so latencies are its own and not the server's",
        ))
    } else if loop_lag_p99 > bound(LAG_WARNING) {
        Some((Severity::Warning, bound(LAG_WARNING), "was at times late, which adds to every latency"))
    } else {
        None
    };
    let lag = lag.map(|(severity, bound, meaning)| {
        let message = format!(
            "the load generator {meaning}: its timers fired {loop_lag_p99} late at p99 (bound {bound}), {loop_lag_max} at worst"
        );
        (severity, "client_lag", message)
    });
    let cpu = (cpu_share > CPU_WARNING).then(|| {
        let message = format!(
            "the load generator used {:.0} % of all cores (bound {:.0} %)",
            cpu_share * 100.0,
            CPU_WARNING * 100.0
        );
        (Severity::Warning, "client_cpu", message)
    });
    let busy = (loop_busy > BUSY_WARNING).then(|| {
        let message = format!(
            "the load generator's loop was at work for {:.0} % of the window (bound {:.0} %), so it measured near its own limit",
            loop_busy * 100.0,
            BUSY_WARNING * 100.0
        );
        (Severity::Warning, "client_busy", message)
    });
    let own = lag.into_iter().chain(busy).chain(cpu).map(|(severity, code, message)| {
        let hint = "run the client on a machine of its own, split the load over several with --shard, or lower the concurrency or rate";
        Fact::new(severity, code, message).hint(hint)
    });
    let others = machine::check(&machine).into_iter().chain(reconnected(reconnects));
    own.chain(others).map(|fact| fact.found(None, round)).collect()
}

/// A server closes idle connections when it likes to; what is sent again at once was never seen by it.
fn reconnected(reconnects: u64) -> Option<Fact> {
    (reconnects > 0).then(|| {
        let message = format!(
            "{reconnects} requests found their connection closed by the server before their first byte and were sent again on a new one, whose opening is in their latency"
        );
        Fact::new(Severity::Info, "reconnects", message)
            .hint("raise the server's keep-alive limits (time and requests per connection), or read the tail with this in mind")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(cpu_share: f64, p99: f64, max: f64) -> String {
        words_at(40.0, cpu_share, p99, max)
    }

    fn words_at(tail: f64, cpu_share: f64, p99: f64, max: f64) -> String {
        let load = ClientLoad {
            tail: Nanos::from_ms(tail),
            cpu_share,
            loop_busy: cpu_share,
            loop_lag_p99: Nanos::from_ms(p99),
            loop_lag_max: Nanos::from_ms(max),
            machine: MachineLoad::default(),
            reconnects: 0,
        };
        check_client(&load, 2)
            .iter()
            .map(|finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_calm_client_is_silent_up_to_its_bounds() {
        assert_eq!(words(0.9, 3.0, 50.0), "");
    }

    #[test]
    fn requests_that_were_sent_again_are_told() {
        let load = ClientLoad {
            cpu_share: 0.1,
            loop_busy: 0.1,
            loop_lag_p99: Nanos::ZERO,
            loop_lag_max: Nanos::ZERO,
            tail: Nanos::ZERO,
            machine: MachineLoad::default(),
            reconnects: 3,
        };
        let found = check_client(&load, 1);
        assert_eq!((found.len(), found[0].severity, found[0].level.as_deref()), (1, Severity::Info, None));
        insta::assert_snapshot!(found[0].message, @"3 requests found their connection closed by the server before their first byte and were sent again on a new one, whose opening is in their latency");
    }

    #[test]
    fn long_latencies_bear_more() {
        assert_eq!(words_at(2_000.0, 0.5, 60.0, 90.0), "");
        assert!(words_at(2_000.0, 0.5, 61.0, 90.0).starts_with("warning client_lag"));
        assert!(words_at(2_000.0, 0.5, 201.0, 300.0).starts_with("invalid client_lag"));
    }

    #[test]
    fn a_late_client_warns_and_a_starved_one_is_invalid() {
        insta::assert_snapshot!(words(0.5, 3.1, 8.0), @"warning client_lag: the load generator was at times late, which adds to every latency: its timers fired 3.1ms late at p99 (bound 3.0ms), 8.0ms at worst");
        insta::assert_snapshot!(words(0.97, 10.1, 80.0), @r"
        invalid client_lag: the load generator was starved, so latencies are its own and not the server's: its timers fired 10.1ms late at p99 (bound 10.0ms), 80.0ms at worst
        warning client_busy: the load generator's loop was at work for 97 % of the window (bound 90 %), so it measured near its own limit
        warning client_cpu: the load generator used 97 % of all cores (bound 90 %)
        ");
    }
}
