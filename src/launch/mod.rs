//! Servers that this tool starts, awaits and stops with everything that they started.

mod alive;
mod container;
mod error;
mod log;
mod process;
mod ready;

use std::time::Duration;

pub use alive::end_all;
pub use error::LaunchError;
pub use log::Log;
pub use ready::Wait;

use crate::config::{CONTAINER_PLACE, Launch, PORT_PLACE, Starter};
use crate::host;
use container::{Container, Engine};
use process::Process;

/// How long a server may take to end by itself after SIGTERM: enough to let go of GPUs properly.
const GRACE: Duration = Duration::from_secs(10);
/// The same when the user or the system wants us to stop: a cancelled job is killed a few seconds later.
const HURRIED: Duration = Duration::from_secs(3);

/// Whoever looks on while a server starts.
pub struct Onlooker<'a> {
    pub say: &'a mut (dyn FnMut(&str) + Send),
    /// Whether somebody wants us to stop.
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
}

/// A server that was started. Dropping it ends it and everything that it started, and waits for that.
#[derive(Debug)]
pub struct Launched {
    running: Running,
    log: Log,
    grace: Duration,
}

#[derive(Debug)]
enum Running {
    Process(Process),
    Container(Box<Container>),
}

impl Launched {
    /// Starts a server; it is not ready yet.
    pub async fn start(launch: &Launch, log: Log, onlooker: &mut Onlooker<'_>) -> Result<Self, LaunchError> {
        let running = match &launch.starter {
            Starter::Command(line) => Running::Process(Process::start(line, &launch.env, &log)?),
            Starter::Image(image) => {
                let engine = Engine::connect(&host::env::vars()).await?;
                let container = Container::start(engine, image, &launch.env, &log, onlooker).await?;
                Running::Container(Box::new(container))
            }
        };
        Ok(Self { running, log, grace: GRACE })
    }

    /// The URL with what the start tells.
    pub fn fill(&self, url: &str) -> String {
        match &self.running {
            Running::Process(process) => url.replace(PORT_PLACE, &process.port().to_string()),
            Running::Container(container) => url.replace(CONTAINER_PLACE, container.address()),
        }
    }

    /// The image of a container, with its digest.
    pub fn image(&self) -> Option<&str> {
        match &self.running {
            Running::Process(_) => None,
            Running::Container(container) => Some(container.image()),
        }
    }

    /// How it ended, where it did: `exit code 1`.
    pub async fn ended(&mut self) -> Option<String> {
        match &mut self.running {
            Running::Process(process) => process.ended(),
            Running::Container(container) => container.ended().await,
        }
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// From now on there is less time for its end.
    pub fn hurry(&mut self) {
        self.grace = HURRIED;
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Process(process) => process.stop(self.grace),
            Running::Container(container) => container.stop(self.grace),
        }
        self.log.close();
    }
}
