//! A result as a comment on a pull request.

mod comment;
mod folds;
pub mod history;

pub use comment::{MarkdownOptions, render};
