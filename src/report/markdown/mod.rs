//! A result as a comment on a pull request.

mod comment;
mod folds;
mod forecast;
pub mod history;

pub use comment::{MarkdownOptions, render};
pub use forecast::render_forecast;
