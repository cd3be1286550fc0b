//! Policy, comparison, decision and explanation: where the verdict is formed, once.

mod values;
mod verdict;

pub use values::RoundValues;
pub use verdict::{Basis, Decision, Effect, Judgement, Rule, Status, Verdict};
