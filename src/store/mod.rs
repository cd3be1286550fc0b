//! What outlives a run: baselines, one per workload, model and hardware; ledgers of evidence, one per question; the history of
//! benchmarks in a database.

mod baselines;
pub mod database;
mod home;
mod ledgers;
mod name;
mod shelf;

#[cfg(test)]
mod tests;

pub use baselines::{Listed, Store, StoreError};
pub use database::{
    Database, DatabaseError, Kept, Pieces, Place, PointsAsk, Pruned, Retention, RowsForm, Sort, StoredKey,
    Wanted,
};
pub use home::Home;
pub use ledgers::Ledgers;
