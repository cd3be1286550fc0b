//! What outlives a run: baselines, one per workload, model and hardware; ledgers of evidence, one per question; the history of
//! benchmarks in a database.

pub mod database;
mod folder;
mod ledger;
mod name;

#[cfg(test)]
mod tests;

pub use database::{
    Database, DatabaseError, Kept, Pieces, Place, PointsAsk, Pruned, Retention, RowsForm, Sort, StoredKey,
    Wanted,
};
pub use folder::{Listed, Store, StoreError};
pub use ledger::Ledgers;
