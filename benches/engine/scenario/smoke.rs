//! The stage itself: both clients see every token that the mock wrote. Nothing is timed, so this runs anywhere.

use crate::rows::join;
use crate::stage::{Load, Subject, play};

/// Stops where a client and the server's log disagree.
pub(crate) fn check() {
    for (server, tokens) in
        [("--ttft 2 --itl 1", 1), ("--ttft 2 --itl 1", 17), ("--per-write 1", 40), ("--per-write 16", 40)]
    {
        for subject in Subject::all() {
            let load = Load { streams: 4, requests: 12, tokens, rows: true, open: None };
            let (ran, truth) = play(subject, server, &load);
            assert_eq!(ran.failed, 0, "a request failed");
            let pairs = join(ran.rows, truth);
            assert_eq!(pairs.len(), load.requests as usize, "a request is missing");
            for pair in &pairs {
                let counts = (pair.truth.tokens, pair.row.chunks.len() as u32);
                assert_eq!(counts, (tokens, tokens), "{} {server}", subject.name());
            }
        }
    }
    println!("\nsmoke: both clients saw every token that the mock wrote");
}
