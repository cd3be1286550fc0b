//! The next window: grow by doubling until a level does not hold, halve the bracket in log-load, then doubt its ends.

use super::evidence::{Level, Standing, Window, levels};
use super::policy::{Ground, Policy};

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    Measure {
        load: f64,
        /// From 1: which window of this load it is, and with it the chance it runs on.
        window: u32,
        /// Requests that the window needs.
        requests: u64,
    },
    Stop(Stopped),
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The bracket is as narrow as was asked for, and both its ends were confirmed.
    Precise,
    /// The highest load that can be asked for holds.
    Ceiling,
    /// Not even hardly any load holds.
    Floor,
    /// A single client on an idle server already misses.
    Idle,
    Levels,
    Budget,
    Interrupted,
}

impl Stopped {
    /// The word in documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::Precise => "precise",
            Self::Ceiling => "ceiling",
            Self::Floor => "floor",
            Self::Idle => "idle",
            Self::Levels => "levels",
            Self::Budget => "budget",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Chooses the next window from all that were measured so far.
///
/// A level that was not decided after its last window counts as one that does not hold: the load where the share of good
/// requests crosses the attainment cannot be told from it. Only the ends of the bracket are ever measured again, so no
/// level that holds lies above one that does not.
pub fn next(policy: &Policy, ground: &Ground, windows: &[Window]) -> Next {
    let levels = levels(windows, policy);
    let room = levels.len() < policy.levels_max as usize;
    let known = |load: f64| levels.iter().find(|level| level.load.to_bits() == load.to_bits());
    let further = match open(&levels).map_or_else(|| explore(policy, ground, &levels), Ok) {
        Ok(load) if room || known(load).is_some() => Ok(load),
        Ok(_) => Err(Stopped::Levels),
        Err(stopped) => Err(stopped),
    };
    let load = match (further, doubted(&levels)) {
        (Ok(load), _) | (Err(_), Some(load)) => load,
        (Err(stopped), None) => return Next::Stop(stopped),
    };
    let (offered, before) = known(load).map_or((0, 0), |level| (level.offered, level.windows));
    Next::Measure { load, window: before + 1, requests: policy.requests(ground, load, offered) }
}

fn open(levels: &[Level]) -> Option<f64> {
    levels.iter().find(|level| level.is_open()).map(|level| level.load)
}

/// The ends of the bracket: the highest level that holds, and the next one.
pub(super) fn ends(levels: &[Level]) -> (Option<&Level>, Option<&Level>) {
    let at = levels.iter().position(|level| level.standing != Standing::Held).unwrap_or(levels.len());
    let (held, rest) = levels.split_at(at);
    (held.last(), rest.first())
}

/// A load that was not measured yet, or why there is none.
fn explore(policy: &Policy, ground: &Ground, levels: &[Level]) -> Result<f64, Stopped> {
    let nearest = |load: f64| policy.goal.nearest(load);
    match ends(levels) {
        (None, None) => Ok(nearest(ground.start)),
        (Some(low), None) if low.load >= nearest(ground.ceiling) => Err(Stopped::Ceiling),
        (Some(low), None) => Ok(nearest((low.load * 2.0).min(ground.ceiling))),
        (None, Some(high)) if high.load <= nearest(ground.floor) => Err(Stopped::Floor),
        (None, Some(high)) => Ok(nearest((high.load / 2.0).max(ground.floor))),
        (Some(low), Some(high)) => {
            let middle = nearest((low.load * high.load).sqrt());
            let wide = high.load > low.load * (1.0 + policy.precision);
            let new = wide && low.load < middle && middle < high.load;
            new.then_some(middle).ok_or(Stopped::Precise)
        }
    }
}

/// An end that rests on one window may owe it to one mood of the server.
fn doubted(levels: &[Level]) -> Option<f64> {
    let (low, high) = ends(levels);
    high.into_iter().chain(low).find(|end| end.windows < 2).map(|end| end.load)
}
