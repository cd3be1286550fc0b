//! The scenarios by name.

mod flood;
mod memory;
mod open;
mod smoke;
mod soak;
mod stall;
mod timed;

use crate::stage::{priority, stolen};

/// What runs when nothing is named.
const QUICK: [&str; 3] = ["timed", "flood1", "flood16"];

/// Runs the scenarios named, or the quick ones.
pub(crate) fn main(names: &[String]) {
    crate::clock::raise_open_files();
    let runs = number("RUNS", 5) as usize;
    let names: Vec<&str> =
        if names.is_empty() { QUICK.to_vec() } else { names.iter().map(String::as_str).collect() };
    println!(
        "medians of {runs} runs; server on core 0, client on core 1, priority {}, {} cores",
        priority(),
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    let (_, mut since) = stolen([0, 0]);
    for name in names {
        match name.split_once(':').unwrap_or((name, "")) {
            ("timed", "") => timed::table(&[1, 32, 256, 1_024], runs),
            ("timed", streams) => timed::table(&[streams.parse().unwrap()], runs),
            ("many", _) => timed::table(&[4_096, 10_000], runs),
            ("flood1", _) => flood::table(1, runs),
            ("flood16", _) => flood::table(16, runs),
            ("open", _) => open::table(runs),
            ("smoke", _) => smoke::check(),
            ("stall", _) => stall::table(runs),
            ("soak", _) => soak::run(number("MINUTES", 30)),
            ("memory", _) => memory::table(runs),
            _ => panic!("no scenario is called {name}"),
        }
        let (share, now) = stolen(since);
        since = now;
        println!("\nThe hypervisor gave {:.1} % of the cores to others meanwhile.", share * 100.0);
    }
}

/// A number from the environment.
fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}
