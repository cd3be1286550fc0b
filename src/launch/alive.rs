//! What must not outlive the program. Destructors stop it; a program that ends at once runs none, and asks here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Process groups that were started and are not known to be gone.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

pub(super) fn add(group: Pid) {
    groups().push(group);
}

pub(super) fn remove(group: Pid) {
    groups().retain(|known| *known != group);
}

/// Kills everything that was started, without asking it first: for a program that ends at once.
pub fn end_all() {
    for group in groups().drain(..) {
        // One that is gone already is what was wanted.
        let _gone = kill_process_group(group, Signal::KILL);
    }
}

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}
