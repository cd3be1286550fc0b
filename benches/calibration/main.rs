//! How often is the gate wrong? Whole gates — every metric, every look, the product's own verdict — where the truth is known.
//!
//! `cargo bench --bench calibration` checks the promises in a minute and fails where one is broken; `FULL=1` prints the tables of
//! docs/CALIBRATION.md. `SEED=7` and `GATES=500` choose other numbers, and words choose tables:
//! `-- reference verdicts robust position rivals nights simulator`. `-- sockets` plays gates through the binary over real sockets.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot set its stage should stop there, and is told what to do by the environment"
)]

mod count;
mod gates;
mod nights;
mod noise;
mod options;
mod otava;
mod position;
mod reference;
mod rivals;
mod robust;
mod rules;
mod simulated;
mod sockets;
mod table;
mod verdicts;
mod world;

use std::time::Instant;

use count::Promises;
use options::Options;

const TABLES: [&str; 7] = ["reference", "verdicts", "robust", "position", "rivals", "nights", "simulator"];

fn main() {
    // Cargo adds --bench of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let options = Options::read();
    let mut promises = Promises::default();
    let all: Vec<String> = TABLES.map(str::to_owned).to_vec();
    let chosen = if words.is_empty() { all } else { words };
    println!("Seed {}{}", options.seed.0, if options.full { ", the full run" } else { "" });
    let started = Instant::now();
    for table in &chosen {
        match table.as_str() {
            "reference" => reference::main(options),
            "verdicts" => verdicts::main(options, &mut promises),
            "robust" => robust::main(options, &mut promises),
            "position" => position::main(options, &mut promises),
            "rivals" => rivals::main(options),
            "nights" => nights::main(options, &mut promises),
            "simulator" => simulated::main(options, &mut promises),
            "sockets" => sockets::main(options, &mut promises),
            other => panic!("no table is called {other}; there are {} and sockets", TABLES.join(", ")),
        }
        println!("\n({table}: {:.0} s so far)", started.elapsed().as_secs_f64());
    }
    assert!(promises.settle(), "a promise is broken");
}
