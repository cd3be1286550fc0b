//! Words that every room shares: units, seeded chance, secrets, hints.

mod hint;
mod secret;
mod seed;
mod units;

pub use hint::Hint;
pub use secret::Secret;
pub use seed::{Chance, Seed};
pub use units::{Nanos, ParseUnitError, Rate, parse_duration};
