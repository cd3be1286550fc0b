//! `simulate`: the simulator alone, until it is stopped.

use std::future::Future;
use std::net::SocketAddr;

use super::error::AppError;
use super::place::simulated;
use crate::simulator::http;
use crate::simulator::model::SimSpec;

/// Listens and serves until `shutdown`; `ready` gets the address once it is bound.
pub async fn simulate(
    spec: &str,
    listen: SocketAddr,
    start: u64,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AppError> {
    let spec = SimSpec::parse(simulated(spec).unwrap_or(spec)).map_err(|error| {
        AppError::usage(error.to_string(), "for example: llm-loadtest simulate 'h100-8b?ttft=+30%'")
    })?;
    let failed = |error: std::io::Error| {
        AppError::environment(
            format!("cannot listen on {listen}: {error}"),
            "choose another address with --listen",
        )
    };
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
    ready(listener.local_addr().map_err(failed)?);
    http::serve(listener, spec, start, shutdown).await.map_err(failed)
}
