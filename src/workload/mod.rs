//! What to ask and when: lengths, prompts, arrivals and token counting, as data that exists before the first byte.

mod shape;

pub use shape::{Arrivals, Dataset, Lengths, Level, Limit, Load, Workload};
