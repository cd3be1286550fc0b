//! Requests by the clock: is the rate what was asked, and does each request leave when it is due?

use crate::rows::{Pair, join, ms, offset, quantile};
use crate::stage::{Awake, Load, Subject, play};
use crate::table::{Figures, cell, head, line, medians};

/// The longer of this long and [`REQUESTS_MIN`] requests.
const SECONDS: u32 = 10;
/// Enough for a p99.
const REQUESTS_MIN: u32 = 1_000;

/// Prints rates and lags for constant and Poisson arrivals.
pub(crate) fn table(runs: usize) {
    let _awake = Awake::start();
    head(
        "Open loop: rate in req/s, by the server's log; lags in ms (p50 / p99 / worst)",
        &[
            "arrivals",
            "asked",
            "achieved",
            "against asked",
            "against its own schedule",
            "send_lag as reported",
            "arrival at the server after due",
        ],
    );
    for arrivals in ["constant", "poisson"] {
        for rate in [50, 200, 1_000] {
            let found: Vec<Figures> = (0..runs).map(|_| figures(arrivals, rate)).collect();
            let figures = medians(&found);
            line(&[
                arrivals.to_owned(),
                rate.to_string(),
                format!("{:.2}", figures["achieved"]),
                format!("{:+.3} %", figures["asked"]),
                format!("{:+.3} %", figures["schedule"]),
                cell(&figures, &["lag p50", "lag p99", "lag max"]),
                cell(&figures, &["seen p50", "seen p99", "seen max"]),
            ]);
        }
    }
}

fn figures(arrivals: &str, rate: u32) -> Figures {
    let requests = REQUESTS_MIN.max(rate * SECONDS);
    let open = Some(format!("--rate {rate} --arrivals {arrivals} --num-prompts {requests}"));
    let load = Load { streams: 0, requests, tokens: 8, rows: true, open };
    let (ran, truth) = play(Subject::Ours, "--ttft 20 --itl 5", &load);
    assert_eq!(ran.failed, 0, "a request failed");
    assert_eq!(ran.rows.len(), requests as usize, "a request is missing");
    let pairs = join(ran.rows, truth);
    let due = |pair: &Pair| pair.row.due.unwrap();
    let offset = offset(&pairs);
    let lags: Vec<f64> = pairs.iter().map(|pair| pair.row.sent - due(pair)).collect();
    let seen: Vec<f64> = pairs.iter().map(|pair| ms(pair.truth.read) - offset - due(pair)).collect();
    let rate_of = |instants: &[f64]| {
        let (from, to) = (quantile(instants, 0.0), quantile(instants, 1.0));
        (instants.len() - 1) as f64 / (to - from) * 1e3
    };
    let achieved = rate_of(&pairs.iter().map(|pair| ms(pair.truth.read)).collect::<Vec<_>>());
    let scheduled = rate_of(&pairs.iter().map(due).collect::<Vec<_>>());
    Figures::from([
        ("achieved", achieved),
        ("asked", 100.0 * (achieved / f64::from(rate) - 1.0)),
        ("schedule", 100.0 * (achieved / scheduled - 1.0)),
        ("lag p50", quantile(&lags, 0.5)),
        ("lag p99", quantile(&lags, 0.99)),
        ("lag max", quantile(&lags, 1.0)),
        ("seen p50", quantile(&seen, 0.5)),
        ("seen p99", quantile(&seen, 0.99)),
        ("seen max", quantile(&seen, 1.0)),
    ])
}
