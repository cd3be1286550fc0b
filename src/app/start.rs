//! Several machines that start together: each waits for the same time on its wall clock.

use std::time::Duration;

use super::error::AppError;
use super::watch::Watcher;
use crate::base::Nanos;
use crate::config::StartAt;
use crate::engine::Stop;
use crate::host;

/// How late a start may be: clocks of machines that keep time differ by less, and shards that start further apart
/// measure different moments.
const LATE_MAX: Nanos = Nanos(3_000_000_000);
/// The wall clock may be set and the run stopped while we wait, so both are asked again this often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Returns when the first level is to start, or when the run is stopped.
pub(super) async fn wait(
    start: Option<StartAt>,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<(), AppError> {
    let now = host::epoch();
    let at = match start {
        None => return Ok(()),
        Some(StartAt::After(span)) => now + span,
        Some(StartAt::Epoch(at)) => at,
    };
    let late = now - at;
    if late > LATE_MAX {
        return Err(AppError::usage(
            format!("--start-at was {late} ago when everything was ready"),
            "choose a later time: leave room for starting, connecting and reading the inputs",
        ));
    }
    if at > now {
        watcher.note(&format!("waiting {} until --start-at", at - now));
    }
    loop {
        let left = at - host::epoch();
        if left == Nanos::ZERO || stop.is_draining() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from(left).min(LOOK_AGAIN)).await;
    }
}
