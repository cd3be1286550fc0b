//! A server that freezes for 2 s of every 10 s: does the latency from the due instant tell what users would have waited?

use crate::rows::{join, ms, quantile};
use crate::stage::{Load, Subject, play};
use crate::table::{Figures, head, line, medians, short};

const RATE: u32 = 100;
const SECONDS: u32 = 30;

/// Prints p99 of `ttft_from_due` beside the truth, and what the server's own log would say.
pub(crate) fn table(runs: usize) {
    let found: Vec<Figures> = (0..runs).map(|_| figures()).collect();
    let figures = medians(&found);
    head(
        &format!("A server frozen for 2 s of every 10 s, {RATE} req/s for {SECONDS} s; p99, ms"),
        &["ttft_from_due, truth", "reported", "error", "from the server's own read of the request"],
    );
    line(&[
        short(figures["truth"]),
        short(figures["reported"]),
        format!("{:+.2} %", 100.0 * (figures["reported"] / figures["truth"] - 1.0)),
        short(figures["server"]),
    ]);
}

fn figures() -> Figures {
    let requests = RATE * SECONDS;
    let open = Some(format!("--rate {RATE} --arrivals constant --num-prompts {requests}"));
    let load = Load { streams: 0, requests, tokens: 8, rows: true, open };
    let server = "--ttft 20 --itl 5 --freeze-every 10000 --freeze-for 2000";
    let (ran, truth) = play(Subject::Ours, server, &load);
    assert_eq!(ran.failed, 0, "a request failed");
    let reported = ran.result["levels"][0]["metrics"]["ttft_from_due"]["p99"].as_f64().unwrap();
    let pairs = join(ran.rows, truth);
    assert_eq!(pairs.len(), requests as usize, "a request is missing");
    // Constant arrivals are due at index / rate after the first, by definition and without asking the client. The request
    // that the server read earliest against that line was on time.
    let place = |index: u64| index as f64 * 1e3 / f64::from(RATE);
    let start =
        pairs.iter().map(|pair| ms(pair.truth.read) - place(pair.row.index)).fold(f64::INFINITY, f64::min);
    let waited: Vec<f64> =
        pairs.iter().map(|pair| ms(pair.truth.first) - start - place(pair.row.index)).collect();
    let answered: Vec<f64> = pairs.iter().map(|pair| ms(pair.truth.first - pair.truth.read)).collect();
    Figures::from([
        ("truth", quantile(&waited, 0.99)),
        ("reported", reported),
        ("server", quantile(&answered, 0.99)),
    ])
}
