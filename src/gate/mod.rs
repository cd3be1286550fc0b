//! Policy, comparison, decision and explanation: where the verdict is formed, once.

mod cell;
mod compare;
mod decide;
mod evidence;
mod explain;
mod forecast;
mod gap;
mod history;
mod rules;
mod scale;
mod settle;
#[cfg(test)]
mod tests;
mod values;
mod verdict;
mod words;

pub use compare::ENOUGH_SESSIONS;
pub use decide::decide;
pub use evidence::{Against, Evidence, LevelEvidence, SessionRounds};
pub use forecast::{
    CellForecast, Cost, Forecast, Noise, NoiseSource, PairForecast, Question, SessionForecast, forecast,
    pair_noise, session_noise,
};
pub use history::{Change, Cut, Segment, Trend, Worse, cut, trend};
pub use values::RoundValues;
pub use verdict::{Basis, Decision, Effect, Judgement, Method, Rule, Status, Test, Verdict};
