//! Samples of a real server, and bodies made by hand.

mod grpc;
mod http;
