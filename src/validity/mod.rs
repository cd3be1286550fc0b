//! May the numbers be believed? Findings about the client, the workload and comparability.

mod client;
mod crosscheck;
mod environment;
mod finding;
mod gpus;
mod level;
mod machine;
mod pace;

pub use client::{ClientLoad, MachineLoad, check_client};
pub use crosscheck::{CrossCheck, check_server};
pub use environment::check_environment;
pub use finding::{Finding, Severity};
pub use gpus::check_gpus;
pub use level::{THIN_PERCENTILES, check_level, thin_percentiles};

#[cfg(test)]
mod tests;
