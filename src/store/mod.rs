//! Baselines as files in a folder, one per workload, model and hardware; ledgers of evidence, one per question.

mod folder;
mod ledger;
mod name;

#[cfg(test)]
mod tests;

pub use folder::{Listed, Store, StoreError};
pub use ledger::Ledgers;
