//! The user's and the system's wish that we stop.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the next SIGINT or SIGTERM that arrives after the first poll. From then on neither signal ends the process
/// by itself; call again to wait for a second one.
pub async fn interrupted() {
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals keep their default effect: they end the process, and nobody needs to be told.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn both_signals_resolve_it_again_and_again() {
        for name in ["INT", "TERM", "INT"] {
            let kill = format!("kill -{name} {}", std::process::id());
            let send = async {
                assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            };
            // The first future is polled first, so the handler stands before the signal is sent.
            let ((), ()) = tokio::join!(biased; interrupted(), send);
        }
    }
}
