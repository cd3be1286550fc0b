//! Which settings a start over the API may hold: every one is classified, and what is not classified is refused.

use self::Admission::{Address, Open, Refused};

/// What becomes of a setting that somebody else asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is taken. Values that name files are refused where the plan is checked.
    Open,
    /// It is taken where the list of targets holds its address.
    Address,
    /// It is never taken, for this reason.
    Refused(&'static str),
}

const STARTS: Admission = Refused("it starts a program on the server's machine");
const READS: Admission = Refused("it reads a file of the server's machine");
const WRITES: Admission = Refused("it writes a file on the server's machine");
const OWN: Admission = Refused("this server keeps baselines and evidence in its own store");
const PRINTS: Admission = Refused("it is about a terminal, and there is none");
const STEP: Admission = Refused("it is for a step of a workflow");

/// How a setting is treated; none where nobody has decided.
pub fn admission(key: &str) -> Option<Admission> {
    ADMISSIONS.iter().find(|(known, _)| *known == key).map(|(_, admission)| *admission)
}

/// One row for each setting.
const ADMISSIONS: &[(&str, Admission)] = &[
    ("server", Address),
    ("url-strategy", Open),
    ("model", Open),
    ("models", Open),
    ("context-length", Open),
    ("tokenizer", Open),
    ("api-key", Open),
    ("api-key-env", Open),
    ("header", Open),
    ("insecure", Open),
    ("cacert", READS),
    ("hardware", Open),
    ("server-command", STARTS),
    ("server-image", STARTS),
    ("server-args", STARTS),
    ("server-env", STARTS),
    ("server-port", STARTS),
    ("server-gpus", STARTS),
    ("server-volume", STARTS),
    ("server-shm-size", STARTS),
    ("server-pull", STARTS),
    ("server-ready", STARTS),
    ("server-timeout", STARTS),
    ("gpu", Open),
    ("nvml", Refused("it loads a library of the server's machine")),
    ("server-log", READS),
    ("server-metrics", Open),
    ("metrics-url", Address),
    ("dcgm-url", Address),
    ("validate", Open),
    ("workload", Open),
    ("mix", Open),
    ("concurrency", Open),
    ("rate", Open),
    ("stages", Open),
    ("trace", READS),
    ("arrivals", Open),
    ("burstiness", Open),
    ("ramp-up", Open),
    ("ramp-up-from", Open),
    ("max-in-flight", Open),
    ("max-concurrency", Open),
    ("time-scale", READS),
    ("trace-from", READS),
    ("trace-until", READS),
    ("trace-unit", READS),
    ("trace-block", READS),
    ("shard", Refused("this server sends the whole load")),
    ("start-at", Refused("the server's queue says when a benchmark starts")),
    ("num-prompts", Open),
    ("duration", Open),
    ("warmup", Open),
    ("seed", Open),
    ("find-max-rate", Open),
    ("find-max-concurrency", Open),
    ("attainment", Open),
    ("search-precision", Open),
    ("search-max-levels", Open),
    ("search-budget", Open),
    ("api", Open),
    ("adapter", Open),
    ("continuous-usage", Open),
    ("stream", Open),
    ("prompt-type", Open),
    ("input-len", Open),
    ("output-len", Open),
    ("input-len-stddev", Open),
    ("output-len-stddev", Open),
    ("length-spread", Open),
    ("dataset", Open),
    ("dataset-format", Open),
    ("prompt-column", READS),
    ("output-column", READS),
    ("prefix-len", Open),
    ("prefix-groups", Open),
    ("distinct-prompts", Open),
    ("cache", Open),
    ("turns", Open),
    ("think-time", Open),
    ("cancel-rate", Open),
    ("cancel-after", Open),
    ("ignore-eos", Open),
    ("temperature", Open),
    ("extra-body", Open),
    ("goodput", Open),
    ("timeout", Open),
    ("timeout-first-token", Open),
    ("timeout-stall", Open),
    ("timeout-connect", Open),
    ("baseline-server", Address),
    ("baseline-model", Open),
    ("baseline-server-command", STARTS),
    ("baseline-server-image", STARTS),
    ("baseline-server-args", STARTS),
    ("baseline-server-env", STARTS),
    ("server-turns", STARTS),
    ("rounds", Open),
    ("tolerance", Open),
    ("objective", Open),
    ("alpha", Open),
    ("assumed-noise", Open),
    ("budget", Open),
    ("robust", Open),
    ("max-error-rate", Open),
    ("require-baseline", Open),
    ("strict", Open),
    ("baselines", OWN),
    ("save-baseline", Open),
    ("ledger", OWN),
    ("store", OWN),
    ("head", Open),
    ("base", Open),
    ("session-id", Open),
    ("config", Refused("the text of a file goes into the field config")),
    ("output", WRITES),
    ("junit", WRITES),
    ("markdown", WRITES),
    ("html", WRITES),
    ("serve-to", Refused("this server keeps the result itself")),
    ("explain", PRINTS),
    ("quiet", PRINTS),
    ("json", PRINTS),
    ("command", STEP),
    ("candidate", STEP),
    ("baseline", STEP),
    ("baselines-from", STEP),
    ("fail-on", STEP),
    ("comment", STEP),
    ("comment-key", STEP),
    ("matrix", STEP),
    ("status", STEP),
    ("annotations", STEP),
    ("head-sha", STEP),
    ("pr-number", STEP),
    ("repository", STEP),
    ("github-token", STEP),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SETTINGS;

    #[test]
    fn every_setting_is_classified_once() {
        for setting in SETTINGS {
            let rows = ADMISSIONS.iter().filter(|(key, _)| *key == setting.key).count();
            assert_eq!(rows, 1, "decide in this file what a start over the API may say of --{}", setting.key);
        }
    }

    #[test]
    fn what_reaches_for_the_machine_is_refused() {
        for key in
            ["server-command", "server-image", "cacert", "trace", "output", "nvml", "store", "serve-to"]
        {
            assert!(matches!(admission(key), Some(Refused(_))), "{key}");
        }
        assert_eq!(admission("metrics-url"), Some(Address));
        assert_eq!(admission("no-such-setting"), None);
    }
}
