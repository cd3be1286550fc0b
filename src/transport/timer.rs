//! A timer that wakes the loop within microseconds, where the system's poll only counts milliseconds.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use mio::{Registry, Token};

use crate::base::Nanos;

/// Linux: a timerfd among the sockets. Elsewhere: nothing, and waits are whole milliseconds.
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    file: OwnedFd,
    /// What it is set to.
    armed: Option<Nanos>,
}

impl Timer {
    #[cfg(target_os = "linux")]
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let file = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut mio::unix::SourceFd(&file.as_raw_fd()), token, mio::Interest::READABLE)?;
        Ok(Self { file, armed: None })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn new(_registry: &Registry, _token: Token) -> io::Result<Self> {
        Ok(Self { armed: None })
    }

    /// How long a poll may sleep so that it is back at `until`; none where this timer will wake it.
    pub(super) fn sleep(&mut self, now: Nanos, until: Nanos) -> Option<Duration> {
        if until <= now {
            return Some(Duration::ZERO);
        }
        let span = Duration::from(until - now);
        if self.armed == Some(until) {
            return None;
        }
        self.armed = self.set(span).then_some(until);
        self.armed.is_none().then_some(span)
    }

    /// It has fired.
    pub(super) fn fired(&mut self) {
        self.armed = None;
    }

    #[cfg(target_os = "linux")]
    fn set(&self, span: Duration) -> bool {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        };
        let setting = Itimerspec { it_interval: zero, it_value: value };
        timerfd_settime(&self.file, TimerfdTimerFlags::empty(), &setting).is_ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn set(&self, _span: Duration) -> bool {
        false
    }
}
