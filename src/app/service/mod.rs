//! What a server asks of the use cases: starts that others ask for, checked before anything happens.

mod admission;
mod ask;
mod models;
mod sessions;

pub use admission::{Admission, admission};
pub use ask::{Grants, Refusal, addresses, asked, masked, shown_command, was_masked};
pub use models::models;
pub use sessions::{history_of, import_text, save, sessions};
