//! What a server asks of the use cases: starts that others ask for, checked before anything happens.

mod admission;
mod ask;
mod models;
mod secrets;
mod sessions;
#[cfg(test)]
mod tests;

pub use admission::{Admission, admission};
pub use ask::{Grants, Refusal, addresses, asked, shown_command};
pub use models::models;
pub use secrets::{masked, was_masked};
pub use sessions::{history_of, import_text, session_of, sessions};
