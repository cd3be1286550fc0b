//! A server that is a line of shell, in a process group of its own.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::{LaunchError, Log, alive};
use crate::base::Secret;
use crate::config::PORT_PLACE;
use crate::host::RealClock;

/// How often the group is looked at while it ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The kernel needs a moment to take down what was killed, more with a GPU's memory.
const KILLED: Duration = Duration::from_secs(5);
/// What the ended wrote last is on its way through the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Ends a process group when the pipe that it reads from breaks, which it does however this program ends; a line
/// tells it that nothing is left to end.
const WATCHDOG: &str = "\
read -r line && exit
kill -TERM \"-$1\" || exit
for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 \"-$1\" || exit; done
kill -KILL \"-$1\"";

/// What a runner gives to a step of a workflow and not to the code under test: inputs, tokens among them, and its own services.
fn of_our_step() -> impl Iterator<Item = OsString> {
    let is_ours = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("INPUT_") || name.starts_with("ACTIONS_")
    };
    std::env::vars_os().map(|(name, _)| name).filter(move |name| is_ours(name))
}

#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
    group: Pid,
    port: u16,
    watchdog: Option<Child>,
    reader: Option<thread::JoinHandle<()>>,
    status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn start(line: &str, env: &[(String, Secret)], log: &Log) -> Result<Self, LaunchError> {
        let failed = |error: io::Error| LaunchError::Start(error.to_string());
        let port = free_port().map_err(failed)?;
        let (reader, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", &line.replace(PORT_PLACE, &port.to_string())])
            .envs(env.iter().map(|(name, value)| (name, value.expose())))
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer)
            .process_group(0);
        for name in of_our_step() {
            command.env_remove(name);
        }
        let shell = command.spawn().map_err(failed)?;
        // It holds the pipe's other end, which must close when the last of the server is gone.
        drop(command);
        let group = Pid::from_child(&shell);
        alive::add(group);
        let mut process = Self { shell, group, port, watchdog: None, reader: None, status: None };
        process.watchdog = watchdog(group).ok();
        let log = log.clone();
        let thread = thread::Builder::new().name("server-log".to_owned());
        match thread.spawn(move || log.follow(reader)) {
            Ok(reader) => process.reader = Some(reader),
            Err(error) => {
                process.stop(Duration::ZERO);
                return Err(failed(error));
            }
        }
        Ok(process)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// How the shell ended, where it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.status()?;
        self.hear_out();
        Some(match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => status.to_string(),
        })
    }

    /// Ends the group: asks it, and after the grace does not ask any more.
    pub(super) fn stop(&mut self, grace: Duration) {
        for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, KILLED)] {
            // A group that is gone already is what was wanted.
            let _gone = kill_process_group(self.group, signal);
            if self.is_gone_within(patience) {
                break;
            }
        }
        if let Some(mut watchdog) = self.watchdog.take() {
            // The line is for one that still reads.
            drop(watchdog.stdin.take().map(|mut stdin| stdin.write_all(b"gone\n")));
            drop(watchdog.wait());
        }
        alive::remove(self.group);
        self.hear_out();
    }

    fn status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.shell.try_wait().ok().flatten();
        }
        self.status
    }

    fn is_gone_within(&mut self, patience: Duration) -> bool {
        let clock = RealClock::start();
        loop {
            self.status();
            if !has_members(self.group) {
                return true;
            }
            if Duration::from(clock.now()) >= patience {
                return false;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// A daemon that left the group may keep the pipe open for ever: it is not waited for.
    fn hear_out(&mut self) {
        let clock = RealClock::start();
        let is_done = || self.reader.as_ref().is_none_or(thread::JoinHandle::is_finished);
        while !is_done() && Duration::from(clock.now()) < LAST_WORDS {
            thread::sleep(LOOK_AGAIN);
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// In a group of its own, so that what ends us does not end it.
fn watchdog(group: Pid) -> io::Result<Child> {
    let group = group.as_raw_nonzero().to_string();
    Command::new("sh")
        .args(["-c", WATCHDOG, "sh", &group])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Whether anyone of the group is alive. The dead whom nobody buries, as in a container without an init, do not count.
#[cfg(target_os = "linux")]
fn has_members(group: Pid) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    let stats = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter_map(|stat| living_group(&stat)).any(|member| member == group.as_raw_nonzero().get())
}

#[cfg(not(target_os = "linux"))]
fn has_members(group: Pid) -> bool {
    rustix::process::test_kill_process_group(group).is_ok()
}

/// The group of a process that lives, from its line in proc(5): `id (name) state parent group …`; a name may hold
/// anything.
#[cfg(target_os = "linux")]
fn living_group(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let is_dead = matches!(fields.next()?, "Z" | "X");
    fields.nth(1)?.parse().ok().filter(|_| !is_dead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn groups_of_the_living_are_read_whatever_their_names() {
        assert_eq!(living_group("7 (sh) S 1 42 42 0 -1"), Some(42));
        assert_eq!(living_group("7 (a) R 9 9 (b) ) R 1 43 42"), Some(43));
        assert_eq!(living_group("7 (sh) Z 1 42 42"), None);
        assert_eq!(living_group(""), None);
    }

    #[test]
    fn free_ports_can_be_listened_on() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }
}
