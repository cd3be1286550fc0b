//! How a server under test is started, where it is this tool that starts it.

use crate::base::{Nanos, Secret};

/// One server's start. Its URL may hold what only the start tells: `PORT_PLACE` or `CONTAINER_PLACE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    pub starter: Starter,
    /// Variables of its environment, besides ours (a process) or the image's (a container).
    pub env: Vec<(String, Secret)>,
    /// A URL, or a path on the server, that answers 2xx when it is ready; none: `/health`, or `/v1/models` where
    /// that is unknown.
    pub ready: Option<String>,
    /// Longest wait until it is ready.
    pub timeout: Nanos,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starter {
    /// A line of shell that stays in the foreground.
    Command(String),
    Image(Image),
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub name: String,
    /// After the image's entrypoint.
    pub args: Vec<String>,
    pub gpus: Gpus,
    /// `HOST:CONTAINER[:ro]`, where the host's side is an absolute path or a volume's name.
    pub volumes: Vec<String>,
    pub shm_bytes: u64,
    pub pull: Pull,
}

/// Which GPUs a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gpus {
    /// All where the engine can pass them on, else none.
    Auto,
    All,
    None,
    /// Indices or UUIDs.
    Devices(Vec<String>),
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    Missing,
    Always,
    Never,
}

/// Stands for a free port in a command and its URL.
pub const PORT_PLACE: &str = "{port}";
/// Stands for a container's address in its URL.
pub const CONTAINER_PLACE: &str = "{container}";

impl Starter {
    /// What a title calls it: the image, or the program.
    pub fn short_name(&self) -> &str {
        match self {
            Self::Image(image) => &image.name,
            Self::Command(line) => {
                let program = line.split_whitespace().next().unwrap_or(line);
                program.rsplit('/').next().unwrap_or(program)
            }
        }
    }
}
