//! Baselines as files in a folder, one per workload, model and hardware.

mod folder;
mod name;

#[cfg(test)]
mod tests;

pub use folder::{Listed, Store, StoreError};
