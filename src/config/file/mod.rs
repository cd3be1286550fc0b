//! Files as text in, settings with their lines out.

mod dotenv;
mod prices;
mod sections;
#[cfg(test)]
mod tests;
mod yaml;

pub(super) use dotenv::is_name;
pub use dotenv::{Variable, parse_env_file};
pub use prices::prices;
pub(super) use sections::{Block, Document, read};

/// A file that someone else has read. No `Debug`, because it may be a `.env`.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As people wrote it, for messages.
    pub path: String,
    pub text: String,
}

/// Names looked for in the working folder when no `--config` is given, in this order.
pub const DEFAULT_FILES: [&str; 2] = ["loadtest.yaml", "loadtest.yml"];
/// Names read from a `--config` folder, those that exist.
pub const FOLDER_FILES: [&str; 4] = ["targets.yaml", "models.yaml", "workloads.yaml", "gate.yaml"];
