//! Why a server cannot start.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::targets::PatternError;
use crate::base::Hint;
use crate::store::DatabaseError;

/// A server that cannot start, or that had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("{address} can be reached from other machines, and the store holds no key")]
    NoKey { address: SocketAddr, store: String },
    #[error("--api-key-env {name}: this environment variable is not set")]
    NoVariable { name: String },
    #[error("{} is in use by another server", data.display())]
    Taken { data: PathBuf },
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    File(#[from] crate::host::files::FileError),
    #[error("the server ended: {0}")]
    Lost(std::io::Error),
}

impl ServeError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        match self {
            Self::Listen { .. } => Hint::new("choose another address with --listen; port 0 takes a free one"),
            Self::NoKey { store, .. } => Hint::new(format!(
                "make one first: llm-loadtest serve --store {store} key create --name admin --scope admin; or listen on 127.0.0.1"
            )),
            Self::NoVariable { name } => Hint::new(format!("set it first: export {name}=…")),
            Self::Taken { .. } => Hint::new("end that one, or choose another folder with --data"),
            Self::Pattern(_) => Hint::new(
                "write a host, host:port, *.suffix or a network, for example --allow-target 10.0.0.0/8",
            ),
            Self::Database(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Lost(_) => Hint::new("start it again"),
        }
    }

    /// Whether flags are at fault, rather than disk, network or database.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoKey { .. } | Self::NoVariable { .. } | Self::Pattern(_))
    }
}
