//! A result as a comment on a pull request, or as the summary of a job.

mod comment;
mod fit;
mod folds;
mod forecast;
pub mod history;
mod many;
mod options;
mod table;

pub use comment::{key, marker, render};
pub use forecast::render_forecast;
pub use many::render_many;
pub use options::{Limit, MarkdownOptions, Note, NoteKind};
