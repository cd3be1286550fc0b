//! Talking to the server under test: sockets of our own for what is measured, reqwest for everything else.

mod address;
mod control;
mod grpc;
mod grpc_line;
mod knock;
mod options;
mod reach;
mod socket;
mod sockets;
#[cfg(test)]
mod tests;
mod timer;
mod tls;

pub use address::{Address, AddressError};
pub use control::{Answer, Control, ControlError, Heard, Looked, ModelsAnswer, Sending};
pub use grpc::Grpc;
pub use knock::{Knocked, knock};
pub use options::{HttpError, HttpOptions};
pub use reach::Route;
pub use sockets::Sockets;
pub use tls::{TlsError, TlsOptions};
