//! What must not outlive the program. Destructors stop it; a program that ends at once runs none, and asks here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::container::Made;
use crate::host::RealClock;

/// Process groups and containers that were started and are not known to be gone.
static ALIVE: Mutex<Alive> = Mutex::new(Alive { groups: Vec::new(), containers: Vec::new() });
/// An engine that takes longer is not waited for: the next start removes what was left.
const PATIENCE: Duration = Duration::from_secs(5);

struct Alive {
    groups: Vec<Pid>,
    containers: Vec<Made>,
}

pub(super) fn add(group: Pid) {
    alive().groups.push(group);
}

pub(super) fn remove(group: Pid) {
    alive().groups.retain(|known| *known != group);
}

pub(super) fn add_container(made: Made) {
    alive().containers.push(made);
}

pub(super) fn remove_container(made: &Made) {
    alive().containers.retain(|known| known != made);
}

/// Kills everything that was started, without asking it first: for a program that ends at once.
pub fn end_all() {
    let Alive { groups, containers } =
        std::mem::replace(&mut *alive(), Alive { groups: Vec::new(), containers: Vec::new() });
    for group in groups {
        // One that is gone already is what was wanted.
        let _gone = kill_process_group(group, Signal::KILL);
    }
    let removals: Vec<_> =
        containers.into_iter().map(|made| thread::spawn(move || made.remove_now())).collect();
    let clock = RealClock::start();
    while !removals.iter().all(thread::JoinHandle::is_finished) && Duration::from(clock.now()) < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
}

fn alive() -> MutexGuard<'static, Alive> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
