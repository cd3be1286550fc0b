//! Policy, comparison, decision and explanation: where the verdict is formed, once.

mod verdict;

pub use verdict::{Basis, Decision, Effect, Judgement, Rule, Status, Verdict};
