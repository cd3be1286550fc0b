//! HTTP to the server under test: measured requests over hyper with stamped sockets, everything else over reqwest.

mod address;
mod control;
mod http;
mod line;
mod stamped;
mod tls;

pub use address::{Address, AddressError};
pub use control::{Control, ControlError, ModelsAnswer};
pub use http::{Http, HttpError, HttpOptions};
pub use tls::{TlsError, TlsOptions};
