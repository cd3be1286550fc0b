//! A result as a comment on a pull request.

mod comment;
mod folds;

pub use comment::{MarkdownOptions, render};
