//! The only asynchronous core: it waits for due instants, sends, times and records. It never asks what time it should be.

mod closed;
mod drive;
mod exchange;
mod gauge;
mod lag;
mod lines;
mod open;
mod port;
mod stop;
#[cfg(test)]
mod tests;

pub use drive::{Measured, Work, drive};
pub use gauge::{Gauge, Reading};
pub use lag::LoopLag;
pub use port::{Broken, Call, Clock, Head, Line, Piece, Transport};
pub use stop::{Stop, Stopper};
