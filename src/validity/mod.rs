//! May the numbers be believed? Findings about the client, the workload and comparability.

mod client;
mod environment;
mod finding;
mod gpus;
mod level;
mod pace;

pub use client::{ClientLoad, check_client};
pub use environment::check_environment;
pub use finding::{Finding, Severity};
pub use gpus::check_gpus;
pub use level::{THIN_PERCENTILES, check_level, thin_percentiles};

#[cfg(test)]
mod tests;
