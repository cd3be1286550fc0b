//! Why there is no server.

use std::path::PathBuf;

use crate::base::{Hint, Nanos};

/// A server that could not be started, or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("cannot start the server: {0}")]
    Start(String),
    #[error("cannot write {}: {source}", path.display())]
    Log { path: PathBuf, source: std::io::Error },
    #[error("the server ended before it was ready: {how}{tail}")]
    Ended { how: String, log: PathBuf, tail: String },
    #[error("the server was not ready within {waited}: {url}: {last}{tail}")]
    NotReady { waited: Nanos, url: String, last: String, log: PathBuf, tail: String },
    #[error("{what}")]
    Engine { what: String, hint: String },
    #[error("stopped while the server was starting")]
    Interrupted,
}

impl LaunchError {
    /// What a container engine did not do, in words.
    pub(super) fn engine(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Engine { what: what.into(), hint: hint.into() }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Hint {
        Hint::new(match self {
            Self::Start(_) => "run the line of --server-command by hand to see what it lacks".to_owned(),
            Self::Engine { hint, .. } => hint.clone(),
            Self::Log { .. } => "choose a writable place with --output".to_owned(),
            Self::Ended { how, log, .. } if how == "exit code 0" => format!(
                "the command must stay in the foreground: leave out an & or a --detach at its end; {} holds all it said",
                log.display()
            ),
            Self::Ended { log, .. } => format!("{} holds all it said", log.display()),
            Self::NotReady { log, .. } => format!(
                "raise --server-timeout, or say with --server-ready which URL answers 2xx; {} holds all it said",
                log.display()
            ),
            Self::Interrupted => "run it again".to_owned(),
        })
    }
}
