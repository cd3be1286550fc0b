//! What can go wrong with the database and the object store, each with its next step.

use std::path::PathBuf;

use crate::base::Hint;
use crate::document::v1::DocumentError;
use crate::host::files::FileError;

/// The database or the object store could not do what was asked. What was stored before is as it was. `place` is the URL
/// without its password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("'{value}' is not the place of a database: {reason}")]
    Url { value: String, reason: String },
    #[error("cannot open {place}: {reason}")]
    Open { place: String, reason: String },
    #[error("{place} is locked by another process, or too busy")]
    Locked { place: String },
    #[error("{place} is not a database, or it is damaged: {reason}")]
    Corrupt { place: String, reason: String },
    #[error("the disk of {place} is full")]
    Full { place: String },
    #[error("{place} may only be read: {reason}")]
    ReadOnly { place: String, reason: String },
    #[error("{place} has schema {found}; this version of llm-loadtest knows {known}")]
    Newer { place: String, found: i64, known: i64 },
    #[error("{place} does not answer: {reason}")]
    Lost { place: String, reason: String },
    #[error("{place} refused a statement: {reason}")]
    Refused { place: String, reason: String },
    #[error("'{place}' is not a place for objects: {reason}")]
    ObjectsUrl { place: String, reason: String },
    #[error("cannot {action} the object {name} in {place}: {reason}")]
    Objects { action: &'static str, name: String, place: String, reason: String },
    #[error("the object {name} in {place} is damaged: {reason}")]
    Object { name: String, place: String, reason: String },
    #[error("there is no {what} '{name}'")]
    Missing { what: &'static str, name: String },
    #[error("there is a {what} '{name}' already")]
    Taken { what: &'static str, name: String },
    #[error("'{value}' is not a page of this list")]
    Cursor { value: String },
    #[error("{}: line {line} is not a row of a run: {reason}", path.display())]
    Row { path: PathBuf, line: u64, reason: String },
    #[error("'{value}' is not an instant: {reason}")]
    Instant { value: String, reason: String },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl DatabaseError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        Hint::new(match self {
            Self::Url { .. } => {
                "give sqlite:FILE, for example sqlite:history.db, or postgres://USER@HOST/NAME".to_owned()
            }
            Self::Open { place, .. } if place.starts_with("postgres") => {
                "check that the server runs, and its host, name, user and password (PGPASSWORD)".to_owned()
            }
            Self::Open { place, .. } => format!("give this user access to the folder of {place}"),
            Self::Locked { .. } => "end the program that holds it, or try again in a moment".to_owned(),
            Self::Corrupt { place, .. } => {
                format!("restore {place} from a backup, or name another file; docs/STORE.md says how")
            }
            Self::Full { .. } => {
                "free some space and try again; what was stored before is unchanged".to_owned()
            }
            Self::ReadOnly { .. } => "give this user the right to write there".to_owned(),
            Self::Newer { .. } => {
                "update llm-loadtest to the version that wrote it, or a later one".to_owned()
            }
            Self::Lost { .. } => "check that the database runs; the next request tries again".to_owned(),
            Self::Refused { .. } => {
                "check the rights of the database's user, and that no other program changes its tables"
                    .to_owned()
            }
            Self::ObjectsUrl { .. } => "give a folder, file://, s3://BUCKET/PATH, gs:// or az://".to_owned(),
            Self::Objects { .. } => {
                "check that the object store can be reached, its credentials, and the space left".to_owned()
            }
            Self::Object { .. } => "restore the object from a backup, or delete the benchmark".to_owned(),
            Self::Missing { .. } => "list what there is; it may have been deleted".to_owned(),
            Self::Taken { .. } => "choose another name".to_owned(),
            Self::Cursor { .. } => "start again at the first page".to_owned(),
            Self::Row { .. } => "check that this is the requests.jsonl of a run".to_owned(),
            Self::Instant { .. } => "write it like 2026-01-31T12:00:00Z".to_owned(),
            Self::File(error) => return error.hint(),
            Self::Document(error) => return error.hint(),
        })
    }

    /// Whether the user's words are at fault, rather than the database.
    pub fn is_usage(&self) -> bool {
        use DatabaseError::{Cursor, Instant, Missing, Newer, ObjectsUrl, Row, Taken, Url};
        matches!(
            self,
            Url { .. }
                | ObjectsUrl { .. }
                | Newer { .. }
                | Missing { .. }
                | Taken { .. }
                | Cursor { .. }
                | Row { .. }
                | Instant { .. }
        )
    }

    /// Whether the same call may well work later, with nothing repaired.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Lost { .. })
    }

    /// What a failed statement means, in the words of either database.
    pub(super) fn of(place: &str, error: &sqlx::Error) -> Self {
        let (place, reason) = (place.to_owned(), error.to_string());
        let database = match error {
            sqlx::Error::Database(database) => database,
            // One writer waits for another; PostgreSQL's connections are many, unless there is no server.
            sqlx::Error::PoolTimedOut if place.starts_with("postgres") => {
                return Self::Lost { place, reason };
            }
            sqlx::Error::PoolTimedOut => return Self::Locked { place },
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed => {
                return Self::Lost { place, reason };
            }
            _ => return Self::Refused { place, reason },
        };
        let reason = database.message().to_owned();
        let code = database.code().unwrap_or_default();
        // The lowest byte of SQLite's extended codes is the code itself: https://www.sqlite.org/rescode.html
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) if code.len() < 5 => return Self::Locked { place },
            Ok(8) if code.len() < 5 => return Self::ReadOnly { place, reason },
            Ok(10) if code.len() < 5 => return Self::Lost { place, reason },
            Ok(11 | 26) if code.len() < 5 => return Self::Corrupt { place, reason },
            Ok(13) if code.len() < 5 => return Self::Full { place },
            Ok(14) if code.len() < 5 => return Self::Open { place, reason },
            _ => {}
        }
        // PostgreSQL's are five letters and digits: https://www.postgresql.org/docs/current/errcodes-appendix.html
        match &*code {
            "53100" => Self::Full { place },
            "55P03" | "40001" | "40P01" | "53300" => Self::Locked { place },
            "57P01" | "57P02" | "57P03" => Self::Lost { place, reason },
            "25006" => Self::ReadOnly { place, reason },
            "XX001" | "XX002" => Self::Corrupt { place, reason },
            "28000" | "28P01" | "3D000" => Self::Open { place, reason },
            _ => Self::Refused { place, reason },
        }
    }
}
