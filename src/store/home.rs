//! Where baselines and evidence live, as a setting says it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::database::Line;
use super::database::masked;
use super::shelf::Folder;
use super::{DatabaseError, Ledgers, Store};
use crate::base::Secret;

/// A folder, or a database by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    Folder(PathBuf),
    Database(Secret),
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Database(url) => f.write_str(&masked(url.expose())),
        }
    }
}

impl Home {
    /// The baselines that live here.
    pub fn baselines(&self) -> Result<Store, DatabaseError> {
        Ok(match self {
            Self::Folder(folder) => Store { shelf: Arc::new(Folder(folder.clone())) },
            Self::Database(url) => Line::new(url.expose())?.baselines(),
        })
    }

    /// The evidence that lives here.
    pub fn ledgers(&self) -> Result<Ledgers, DatabaseError> {
        Ok(match self {
            Self::Folder(folder) => Ledgers { shelf: Arc::new(Folder(folder.clone())) },
            Self::Database(url) => Line::new(url.expose())?.ledgers(),
        })
    }
}
