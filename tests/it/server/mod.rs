//! `serve`, as those meet it who start benchmarks over the network, and those who must not.

mod client;
mod guards;
mod recovery;
mod runs;

use serde_json::{Value, json};

/// A load that takes a third of a second.
fn small() -> Value {
    json!({ "server": "sim:fast", "num-prompts": 40, "concurrency": 4, "output-len": 16 })
}

/// A load that takes as long as nobody stops it.
fn long() -> Value {
    json!({ "server": "sim:fast", "duration": "60s", "rate": 100, "output-len": 16 })
}
