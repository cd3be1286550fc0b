//! A result as a comment on a pull request.

mod comment;
mod folds;
mod forecast;

pub use comment::{MarkdownOptions, render};
pub use forecast::render_forecast;
