//! Does the place in a block, or the side, favour anyone?

use llm_loadtest::stats::clopper_pearson;

use crate::count::{Promises, Share, Tally};
use crate::gates::{Material, Order, Path, policy};
use crate::noise::{NOISES, Noise, TYPICAL};
use crate::options::{Options, each};
use crate::table::{head, line, thousands};
use crate::world::{Change, Gated};

/// What the first round of a block loses on a server that is cold after its neighbour.
const COLD: f64 = 0.03;

pub(crate) fn main(options: Options, promises: &mut Promises) {
    let gates = options.times(200, 2_000);
    head(
        &format!(
            "Two equal sides, {} gates a row; the sign test counts gates in which the candidate looked slower (TPOT p95)",
            thousands(gates)
        ),
        &[
            "order of a block",
            "noise",
            "fail",
            "fail, sides swapped",
            "candidate slower",
            "sign test, two-sided p",
        ],
    );
    for noise in NOISES {
        let order = Order::USUAL;
        let (tallies, slower) = play(noise.name, Setting { noise, order }, options);
        row("balanced", noise.name, &tallies, slower);
        hold(promises, &format!("balanced, {}", noise.name), &tallies, slower);
    }
    for (balanced, name) in
        [(true, "balanced, the first loses 3 %"), (false, "baseline first, the first loses 3 %")]
    {
        let order = Order { balanced, first: COLD };
        let (tallies, slower) = play(name, Setting { noise: TYPICAL, order }, options);
        row(name, TYPICAL.name, &tallies, slower);
        if balanced {
            hold(promises, name, &tallies, slower);
        }
    }
}

#[derive(Clone, Copy)]
struct Setting {
    noise: Noise,
    order: Order,
}

/// Verdicts of both labellings, and how often the candidate looked slower.
fn play(label: &str, setting: Setting, options: Options) -> ([Tally; 2], Share) {
    let policy = policy(Path::Paired);
    let gates = options.times(200, 2_000);
    let seed = options.seed.child("position").child(label);
    let played = each(gates, |gate| {
        let rounds = policy.looks.last() as usize;
        let material = Material::paired(setting.noise, rounds, setting.order, seed.at(gate));
        let sides = [
            material.play(Path::Paired, Change::None, &policy),
            material.swapped().play(Path::Paired, Change::None, &policy),
        ];
        (sides, material.shift(Gated::Tpot) > 0.0)
    });
    let side = |side: usize| played.iter().map(|(sides, _)| sides[side]).collect::<Tally>();
    ([side(0), side(1)], Share::count(played.iter().map(|&(_, slower)| slower)))
}

fn row(order: &str, noise: &str, tallies: &[Tally; 2], slower: Share) {
    line([
        order.to_owned(),
        noise.to_owned(),
        tallies[0].fails().to_string(),
        tallies[1].fails().to_string(),
        slower.to_string(),
        format!("{:.3}", sign_test(slower)),
    ]);
}

fn hold(promises: &mut Promises, name: &str, tallies: &[Tally; 2], slower: Share) {
    for (tally, side) in tallies.iter().zip(["as measured", "sides swapped"]) {
        promises.at_most(&format!("{name}, {side}, A/A fails"), tally.fails(), 5.0);
    }
    let p = sign_test(slower);
    promises
        .note(p >= 0.001, || format!("{name}: the candidate looks slower in {slower}, sign test p {p:.4}"));
}

/// Two-sided p-value of "either sign is as likely" (exact binomial).
fn sign_test(share: Share) -> f64 {
    // The level at which the exact interval just excludes one half is the p-value.
    let (mut low, mut high) = (0.0_f64, 0.5_f64);
    for _ in 0..60 {
        let tail = f64::midpoint(low, high);
        let (least, most) = clopper_pearson(share.hits, share.of, tail);
        if least > 0.5 || most < 0.5 { high = tail } else { low = tail }
    }
    2.0 * high
}
