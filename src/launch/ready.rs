//! Waiting for a server that was started until it answers, ends, or takes too long.

use std::time::Duration;

use super::{LaunchError, Launched, Onlooker};
use crate::base::Nanos;
use crate::host::RealClock;

/// Often enough to lose no time, rarely enough not to disturb a start.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// A sign of life for whoever looks on.
const SAY_AGAIN: Nanos = Nanos(15_000_000_000);

/// What to wait for. A URL is asked where those before it are unknown to the server (404).
#[derive(Debug)]
pub struct Wait<'a> {
    pub urls: &'a [String],
    pub timeout: Nanos,
}

impl Launched {
    /// Returns when one of the URLs answers 2xx. `ask` gives the status of an answer, or why there is none.
    pub async fn ready(
        &mut self,
        wait: Wait<'_>,
        ask: impl AsyncFn(&str) -> Result<u16, String>,
        onlooker: &mut Onlooker<'_>,
    ) -> Result<(), LaunchError> {
        let clock = RealClock::start();
        let mut said = Nanos::ZERO;
        loop {
            if (onlooker.is_stopped)() {
                self.hurry();
                return Err(LaunchError::Interrupted);
            }
            let Some((url, last)) = self.look(wait.urls, &ask).await else { return Ok(()) };
            if let Some(how) = self.ended().await {
                return Err(LaunchError::Ended { how, log: self.log.path(), tail: self.log.tail() });
            }
            let waited = clock.now();
            if waited >= wait.timeout {
                let (log, tail) = (self.log.path(), self.log.tail());
                return Err(LaunchError::NotReady { waited: wait.timeout, url, last, log, tail });
            }
            if waited - said >= SAY_AGAIN {
                said = waited;
                let line = self.log.last_line().map(|line| format!("; it says: {line}")).unwrap_or_default();
                (onlooker.say)(&format!(
                    "waiting for {url} ({last}): {:.0} s of at most {}{line}",
                    waited.secs(),
                    wait.timeout
                ));
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// None: ready. Else who was asked last and what came of it.
    async fn look(
        &self,
        urls: &[String],
        ask: &impl AsyncFn(&str) -> Result<u16, String>,
    ) -> Option<(String, String)> {
        let mut last = (String::new(), "there is nothing to ask".to_owned());
        for url in urls {
            let answer = ask(url).await;
            let is_unknown = matches!(answer, Ok(404 | 405 | 501));
            last = match answer {
                Ok(200..=299) => return None,
                Ok(status) => (url.clone(), format!("it answers {status}")),
                Err(why) => (url.clone(), why),
            };
            if !is_unknown {
                break;
            }
        }
        Some(last)
    }
}
