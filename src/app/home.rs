//! Where baselines and evidence live: in their folders, or in the one database that is named instead.

use std::path::Path;

use super::error::AppError;
use crate::config::Outputs;
use crate::store::{DatabaseError, Home};

/// The home of stored baselines.
pub fn baselines(outputs: &Outputs) -> Home {
    home(outputs, &outputs.baselines)
}

/// The home of evidence.
pub(super) fn evidence(outputs: &Outputs) -> Home {
    home(outputs, &outputs.ledger)
}

fn home(outputs: &Outputs, folder: &Path) -> Home {
    match &outputs.store {
        Some(url) => Home::Database(url.clone()),
        None => Home::Folder(folder.to_owned()),
    }
}

impl From<DatabaseError> for AppError {
    fn from(error: DatabaseError) -> Self {
        let hint = error.hint().0;
        if error.is_usage() {
            Self::usage(error.to_string(), hint)
        } else {
            Self::environment(error.to_string(), hint)
        }
    }
}
