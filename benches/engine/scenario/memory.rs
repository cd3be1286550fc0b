//! How much memory the client holds at its peak.

use crate::stage::{Load, Server, Subject, launch};
use crate::table::{Figures, head, line, medians};

/// Prints the peak of the resident set at 64 and at 10,000 streams.
pub(crate) fn table(runs: usize) {
    head("Peak resident memory, MB", &["streams", "requests", "client", "VmHWM"]);
    for (streams, pace) in [(64, "--ttft 50 --itl 10"), (10_000, "--ttft 500 --itl 150")] {
        let load = Load { streams, requests: streams * 4, tokens: 32, rows: false, open: None };
        for subject in Subject::all() {
            let peaks: Vec<Figures> = (0..runs)
                .map(|_| {
                    let server = Server::start(&format!("{pace} --keep false"));
                    let ran = launch(subject, &server, &load).finish(true);
                    assert_eq!(ran.failed, 0, "a request failed");
                    Figures::from([("peak", ran.peak_mb)])
                })
                .collect();
            line(&[
                streams.to_string(),
                load.requests.to_string(),
                subject.name().to_owned(),
                format!("{:.1}", medians(&peaks)["peak"]),
            ]);
        }
    }
}
