//! Which metric limits a gate, and what to do about it, in sentences.

use super::{CellForecast, Forecast, PairForecast, SessionForecast};
use crate::gate::words::{count, significant};
use crate::stats::{Looks, Prospect, fewest};

/// Looks are not extended beyond so many pairs.
const LOOKS_MAX: u32 = 200;

/// The limiting metric first, then what cannot be judged or is not known.
pub(super) fn advice(forecast: &Forecast, looks: &Looks, alpha: f64) -> Vec<String> {
    let judged = forecast.cells.iter().filter(|cell| cell.thin.is_none());
    let known = judged.filter_map(|cell| Some((cell, cell.pairs.as_ref()?)));
    let limiting = known.min_by(|(_, left), (_, right)| left.ratio.total_cmp(&right.ratio));
    let mut sentences = Vec::new();
    if limiting.is_none() {
        sentences.extend(by_sessions(forecast));
    }
    sentences.extend(limiting.map(|(cell, pairs)| weigh(forecast, cell, pairs, looks, alpha)));
    sentences.extend(forecast.cells.iter().filter_map(|cell| {
        let need = cell.thin?;
        Some(format!(
            "{} needs {} requests a round to be judged and would only be shown: raise --num-prompts.",
            cell.key.title(),
            count(need)
        ))
    }));
    let unknown: Vec<String> = forecast
        .cells
        .iter()
        .filter(|cell| cell.pairs.is_none() && cell.sessions.is_none())
        .map(|cell| cell.key.title())
        .collect();
    if !unknown.is_empty() {
        sentences.push(format!(
            "No noise is known of {}: say it with --noise, or measure it with --measure, which holds the server against itself.",
            unknown.join(", ")
        ));
    }
    sentences
}

fn weigh(
    forecast: &Forecast,
    cell: &CellForecast,
    pairs: &PairForecast,
    looks: &Looks,
    alpha: f64,
) -> String {
    let name = cell.key.title();
    let (passes, wanted) = (pairs.unchanged.pass().min(1.0), forecast.power);
    if passes >= wanted {
        return format!(
            "{name} limits this gate, and it is enough: an unchanged server passes it with {} within {} pairs, {} on average; tolerances down to {} would do.",
            share(passes),
            forecast.budget(),
            significant(pairs.unchanged.mean_pairs(), 2),
            amount(pairs.resolves, cell.absolute, f64::ceil)
        );
    }
    let mut ways =
        vec![format!("widen its tolerance to {}", amount(pairs.resolves, cell.absolute, f64::ceil))];
    if let Some(last) = longer(looks, pairs.ratio, alpha, forecast.fail_level, wanted) {
        let counts: Vec<String> = looks.counts().iter().chain([&last]).map(u32::to_string).collect();
        let more = last - looks.last();
        ways.push(format!("look once more after {more} pairs more (--rounds {})", counts.join(",")));
    }
    ways.push(format!(
        "send about {} times the requests a round, where the noise is that of few requests",
        significant((pairs.noise.sd / pairs.bearable).powi(2), 2)
    ));
    ways.push(format!(
        "measure on a quieter runner (pairs that differ by {} instead of {})",
        amount(pairs.bearable, cell.absolute, f64::floor),
        amount(pairs.noise.sd, cell.absolute, f64::round)
    ));
    format!(
        "{name} limits this gate: an unchanged server passes it with {} instead of {} within {} pairs. Either {}.",
        share(passes),
        share(wanted),
        forecast.budget(),
        ways.join(", or ")
    )
}

/// Where sessions are all that is known.
fn by_sessions(forecast: &Forecast) -> Option<String> {
    let judged = forecast.cells.iter().filter(|cell| cell.thin.is_none());
    let known = judged.filter_map(|cell| Some((cell, cell.sessions.as_ref()?)));
    let share_of = |(cell, sessions): &(&CellForecast, &SessionForecast)| sessions.noise.sd / cell.tolerance;
    let (cell, sessions) = known.max_by(|left, right| share_of(left).total_cmp(&share_of(right)))?;
    let (name, stored) = (cell.key.title(), sessions.noise.count);
    let pairs = "judge it in pairs with --baseline-server, which cancels what differs between days";
    let (Some(passes), Some(resolves)) = (sessions.passes, sessions.resolves) else {
        return Some(format!(
            "{name} limits this gate. The noise between sessions counts from five on, and {stored} are stored: store more, or {pairs}."
        ));
    };
    let narrowest = amount(resolves, cell.absolute, f64::ceil);
    if passes >= forecast.power {
        return Some(format!(
            "{name} limits this gate, and it is enough: an unchanged server passes it with {} against {stored} stored sessions; tolerances down to {narrowest} would do.",
            share(passes)
        ));
    }
    let mut ways = vec![format!("widen its tolerance to {narrowest}")];
    ways.extend(sessions.needed.map(|needed| format!("store {needed} sessions")));
    ways.push(pairs.to_owned());
    Some(format!(
        "{name} limits this gate: an unchanged server passes it with {} instead of {} against {stored} stored sessions. Either {}.",
        share(passes),
        share(forecast.power),
        ways.join(", or ")
    ))
}

/// The fewest pairs of one further look that reach the wanted probability.
fn longer(looks: &Looks, ratio: f64, alpha: f64, fail_level: f64, wanted: f64) -> Option<u32> {
    let enough = |last: u32| {
        let extended = Looks::new(looks.counts().iter().copied().chain([last]));
        extended.is_some_and(|extended| {
            Prospect::new(&extended, extended.level(alpha), fail_level).at(ratio).pass() >= wanted
        })
    };
    let (mut few, mut many) = (looks.last(), looks.last().max(2));
    while !enough(many) {
        if many >= LOOKS_MAX {
            return None;
        }
        (few, many) = (many, (many * 2).min(LOOKS_MAX));
    }
    Some(fewest(few, many, enough))
}

/// `89 %`, never rounded up, and never the whole.
fn share(share: f64) -> String {
    format!("{} %", significant((share.min(0.999) * 1e3).floor() / 10.0, 3))
}

/// `16.4 %` or `2.5 points`, rounded in the direction that keeps a promise.
fn amount(amount: f64, absolute: bool, round: fn(f64) -> f64) -> String {
    let tenths = round(amount * 1e3 * (1.0 - f64::EPSILON)) / 10.0;
    format!("{} {}", significant(tenths, 3), if absolute { "points" } else { "%" })
}
