//! The load itself, sans-IO: it takes visits that are due, has them sent, times what comes back, and makes rows of it. It
//! never asks what time it should be, and touches no socket: bytes and instants come and go through `Net`.

mod arrivals;
mod drive;
mod flight;
mod gauge;
mod lag;
mod lines;
mod pass;
mod port;
mod stop;
#[cfg(test)]
mod tests;
mod timers;

pub use drive::{Measured, Sources, Work, drive};
pub use gauge::{Gauge, Reading};
pub use lag::LoopLag;
pub use port::{Arrival, Call, Inbox, LineId, Net, Prepared, Supply, Visits, What};
pub use stop::{Stop, Stopper};
