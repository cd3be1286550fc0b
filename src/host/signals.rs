//! The user's and the system's wish that we stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM since it was made: one that arrives while nobody waits is there for the next who does.
#[derive(Debug)]
pub struct Signals {
    /// None where the system refuses handlers: then both keep their default effect and end the process.
    heard: Option<(Signal, Signal)>,
}

impl Signals {
    /// From now on neither signal ends the process by itself. Needs a runtime around it.
    pub fn listen() -> Self {
        let both = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        Self { heard: if let (Ok(int), Ok(term)) = both { Some((int, term)) } else { None } }
    }

    /// Resolves at the next one.
    pub async fn next(&mut self) {
        let Some((int, term)) = &mut self.heard else { return std::future::pending().await };
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    }
}

/// Resolves at the next SIGINT or SIGTERM that arrives after the first poll; call again to wait for a second one.
pub async fn interrupted() {
    Signals::listen().next().await;
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn both_signals_resolve_it_again_and_again() {
        for name in ["INT", "TERM", "INT"] {
            interrupted_by_ourselves(name).await;
        }
    }

    #[tokio::test]
    async fn none_is_missed_between_two_waits() {
        let mut signals = Signals::listen();
        for _ in 0..2 {
            interrupted_by_ourselves("TERM").await;
            signals.next().await;
        }
    }

    /// Returns when somebody else has heard it.
    async fn interrupted_by_ourselves(name: &str) {
        let kill = format!("kill -{name} {}", std::process::id());
        let send = async {
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        };
        // The first future is polled first, so the handler stands before the signal is sent.
        let ((), ()) = tokio::join!(biased; interrupted(), send);
    }
}
