//! No delay at all: tokens per second and CPU per token beside the raw client's.

use crate::stage::{Load, Server, Subject, launch};
use crate::table::{Figures, head, line, medians};

const STREAMS: u32 = 64;
const TOKENS: u32 = 1_000;

/// Prints throughput and cost with so many tokens in each of the server's writes.
pub(crate) fn table(per_write: u32, runs: usize) {
    let requests = if per_write == 1 { 1_024 } else { 4_096 };
    let load = Load { streams: STREAMS, requests, tokens: TOKENS, rows: false, open: None };
    let server = format!("--per-write {per_write} --keep false");
    let subjects = Subject::all();
    let mut found: Vec<Vec<Figures>> = vec![Vec::new(); subjects.len()];
    for _ in 0..runs {
        for (subject, found) in subjects.iter().zip(&mut found) {
            let server = Server::start(&server);
            let ran = launch(*subject, &server, &load).finish(false);
            assert_eq!(ran.failed, 0, "a request failed");
            let (chunks, window) = ran.flow();
            assert!(chunks as u32 == requests * TOKENS, "{chunks} tokens came");
            found.push(Figures::from([
                ("chunks/s", chunks / window),
                ("cpu", ran.cpu / chunks * 1e6),
                // What the window alone would cost a core that it kept busy.
                ("busy", ran.cpu / window),
                ("server", server.cpu() / window),
            ]));
        }
    }
    head(
        &format!(
            "No delay, {per_write} chunk(s) per write, {STREAMS} streams, {} M chunks",
            f64::from(requests * TOKENS) / 1e6
        ),
        &[
            "client",
            "chunks/s",
            "ratio",
            "CPU s / M chunks",
            "ratio",
            "client CPU / window",
            "server CPU / window",
        ],
    );
    let figures: Vec<Figures> = found.iter().map(|runs| medians(runs)).collect();
    let floor = &figures[0];
    for (subject, figures) in subjects.into_iter().zip(&figures) {
        line(&[
            subject.name().to_owned(),
            format!("{:.0} k", figures["chunks/s"] / 1e3),
            format!("{:.2}", figures["chunks/s"] / floor["chunks/s"]),
            format!("{:.2}", figures["cpu"]),
            format!("{:.2}", figures["cpu"] / floor["cpu"]),
            format!("{:.2}", figures["busy"]),
            format!("{:.2}", figures["server"]),
        ]);
    }
}
