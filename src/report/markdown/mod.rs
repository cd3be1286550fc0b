//! A result as a comment on a pull request, or as the summary of a job.

mod comment;
mod doctor;
mod failure;
mod fit;
mod folds;
mod forecast;
pub mod history;
mod many;
mod options;
mod recommend;
mod table;

pub use comment::{key, marker, render};
pub use doctor::render_doctor;
pub use failure::{Failure, render_failure};
pub use forecast::render_forecast;
pub use many::render_many;
pub use options::{Limit, MarkdownOptions, Note, NoteKind};
pub use recommend::render_recommendation;

/// Foreign text on one line, without markup of its own.
pub fn text(foreign: &str) -> String {
    super::text::markdown(foreign)
}
