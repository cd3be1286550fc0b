//! `serve`: the REST API, its WebSocket, the queue of benchmarks and the dashboard.

mod assets;
mod bodies;
mod door;
mod endpoints;
mod enter;
mod error;
mod events;
mod frame;
mod house;
mod identity;
mod keys;
mod meters;
mod openapi;
mod problem;
mod query;
mod queue;
mod rates;
mod recovery;
mod relay;
mod router;
mod routes;
mod serve;
mod targets;
mod worker;

pub use endpoints::reference;
pub use error::ServeError;
pub use keys::{NewKey, new_key};
pub use serve::{Ended, Serving, serve};
