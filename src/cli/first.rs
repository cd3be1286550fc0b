//! The first process of a container: no signal ends it by default, so it would outlive the job that started it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::exit::Exit;
use super::load;
use crate::host::signals;

/// Parts of the program that end by themselves after a signal.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// While it lives, signals are for whoever holds it.
pub(super) struct AtWork(());

impl AtWork {
    pub(super) fn begin() -> Self {
        AT_WORK.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Gives SIGINT and SIGTERM their usual effect back, where the kernel takes it away.
pub(super) fn heed_signals() {
    if std::process::id() == 1 {
        // Without a thread signals stay without effect, and everything else works.
        drop(std::thread::Builder::new().name("signals".to_owned()).spawn(leave_at_a_signal));
    }
}

#[expect(clippy::exit, reason = "this is what a signal does to any other process")]
fn leave_at_a_signal() {
    let Ok(runtime) = load::runtime() else { return };
    loop {
        runtime.block_on(signals::interrupted());
        if AT_WORK.load(Ordering::SeqCst) == 0 {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    }
}
