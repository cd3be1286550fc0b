//! The simulator's answers, read as bytes from a socket.

mod life;
mod raw;
mod shapes;
