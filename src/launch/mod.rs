//! Servers that this tool starts, awaits and stops with everything that they started.

mod alive;
mod error;
mod log;
mod process;
mod ready;

use std::time::Duration;

pub use alive::end_all;
pub use error::LaunchError;
pub use log::Log;
pub use ready::Wait;

use crate::config::{Launch, PORT_PLACE, Starter};
use process::Process;

/// How long a server may take to end by itself after SIGTERM: enough to let go of GPUs properly.
const GRACE: Duration = Duration::from_secs(10);
/// The same when the user or the system wants us to stop: a cancelled job is killed a few seconds later.
const HURRIED: Duration = Duration::from_secs(3);

/// A server that was started. Dropping it ends it and everything that it started, and waits for that.
#[derive(Debug)]
pub struct Launched {
    running: Process,
    log: Log,
    grace: Duration,
}

impl Launched {
    /// Starts a server; it is not ready yet.
    pub fn start(launch: &Launch, log: Log) -> Result<Self, LaunchError> {
        let Starter::Command(line) = &launch.starter else {
            return Err(LaunchError::Start("containers are not started by this version".to_owned()));
        };
        Ok(Self { running: Process::start(line, &launch.env, &log)?, log, grace: GRACE })
    }

    /// The URL with what the start tells.
    pub fn fill(&self, url: &str) -> String {
        url.replace(PORT_PLACE, &self.running.port().to_string())
    }

    /// How it ended, where it did: `exit code 1`.
    pub fn ended(&mut self) -> Option<String> {
        self.running.ended()
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
        self.running.stop(self.grace);
        self.log.close();
    }
}
