//! Why a use case could not be finished, in words, with the next step and whose side it is on.

use crate::base::Hint;

/// Whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Flags, files or their contents.
    Usage,
    /// Server, disk or network.
    Environment,
    /// Someone wanted us to stop.
    Interrupted,
}

/// One message, one hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    pub side: Side,
    pub message: String,
    pub hint: Option<Hint>,
}

impl AppError {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { side: Side::Usage, message: message.into(), hint: Some(Hint::new(hint)) }
    }

    /// Nobody waits for an answer any more.
    pub fn interrupted() -> Self {
        Self { side: Side::Interrupted, message: "stopped by a signal".to_owned(), hint: None }
    }

    pub fn environment(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { side: Side::Environment, message: message.into(), hint: Some(Hint::new(hint)) }
    }
}
