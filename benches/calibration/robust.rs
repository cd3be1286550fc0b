//! The robust option beside Student's t: what it gains under bad rounds, and whether it keeps its size.

use llm_loadtest::config::GatePolicy;
use llm_loadtest::stats::Looks;

use crate::count::{Promises, Tally};
use crate::gates::{Material, Order, Path, policy};
use crate::noise::{BY_10, BY_20, NOISES};
use crate::options::{Options, each};
use crate::table::{head, line, thousands};
use crate::world::{Change, Gated};

const WORLDS: [Change; 6] = [
    Change::One(Gated::Ttft, 1.0),
    Change::Family,
    Change::One(Gated::Ttft, 2.0),
    Change::One(Gated::Goodput, 2.0),
    Change::Slower(BY_10),
    Change::Slower(BY_20),
];

pub(crate) fn main(options: Options, promises: &mut Promises) {
    let looks = Looks::new([8, 12]).expect("looks in order");
    let student = GatePolicy { looks, ..policy(Path::Paired) };
    let robust = GatePolicy { robust: true, ..student.clone() };
    let policies = [("Student's t", student), ("robust", robust)];
    let gates = options.times(20, 1_000);
    let names = WORLDS.map(Change::name);
    let columns: Vec<&str> =
        ["test", "noise", "no change"].into_iter().chain(names.iter().map(String::as_str)).collect();
    head(
        &format!("Paired gates with looks at 8 and 12, {} gates a cell: fail % / pass %", thousands(gates)),
        &columns,
    );
    for noise in NOISES {
        let seed = options.seed.child("robust").child(noise.name);
        let played = each(gates, |gate| {
            let material = Material::paired(noise, 12, Order::USUAL, seed.at(gate));
            let worlds = [Change::None].into_iter().chain(WORLDS);
            let play =
                |world| policies.each_ref().map(|(_, policy)| material.play(Path::Paired, world, policy));
            worlds.map(play).collect::<Vec<_>>()
        });
        for (test, (name, _)) in policies.iter().enumerate() {
            let tallies: Vec<Tally> = (0..=WORLDS.len())
                .map(|world| played.iter().map(|worlds| worlds[world][test]).collect())
                .collect();
            for tally in &tallies[..3] {
                promises.at_most(&format!("{name}, {}, fails", noise.name), tally.fails(), 5.0);
            }
            for tally in &tallies[1..3] {
                promises.at_most(&format!("{name}, {}, passes", noise.name), tally.passes(), 5.0);
            }
            let cells = tallies
                .iter()
                .map(|tally| format!("{:.1} / {:.1}", tally.fails().percent(), tally.passes().percent()));
            line([(*name).to_owned(), noise.name.to_owned()].into_iter().chain(cells));
        }
    }
}
