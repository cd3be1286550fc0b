//! May the numbers be believed? Findings about the client, the workload and comparability.

mod finding;

pub use finding::{Finding, Severity};
