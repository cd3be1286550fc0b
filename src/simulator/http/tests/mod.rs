//! The simulator's answers, read as bytes from a socket.

mod anthropic;
mod choices;
mod grpc;
mod habits;
mod identity;
mod life;
mod metrics;
mod native;
mod ollama;
mod pooling;
mod raw;
mod responses;
mod shapes;
mod triton;
