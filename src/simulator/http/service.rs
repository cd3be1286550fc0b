//! The server as a whole: on a given socket, or on a thread and port of its own.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::{self, JoinHandle};

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::clock::Clock;
use super::driver::Driver;
use super::routes::{Shared, router};
use super::truth::{TruthLog, TruthRow};
use crate::simulator::model::{Model, SimSpec};

/// Serves until `shutdown` completes, then takes no more connections and returns at once; streams that still run end
/// with the caller's runtime.
pub async fn serve(
    listener: TcpListener,
    spec: SimSpec,
    start: u64,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_logged(listener, spec, start, TruthLog::default(), shutdown).await
}

/// A simulated server on a loopback port, with a thread and runtime of its own so that it shares neither with its client.
#[derive(Debug)]
pub struct Simulator {
    base_url: String,
    log: TruthLog,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Why no simulated server could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("bind a loopback port for the simulator")]
    Bind(#[source] io::Error),
    #[error("start the simulator's thread")]
    Thread(#[source] io::Error),
}

impl Simulator {
    /// Binds a free port of 127.0.0.1 and serves there; requests are accepted as soon as this returns.
    pub fn start(spec: SimSpec, start: u64) -> Result<Self, StartError> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(StartError::Bind)?;
        listener.set_nonblocking(true).map_err(StartError::Bind)?;
        let address = listener.local_addr().map_err(StartError::Bind)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).map_err(StartError::Bind)?
        };
        let log = TruthLog::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let rows = log.clone();
        let thread = thread::Builder::new()
            .name("sim-http".to_owned())
            .spawn(move || {
                // Accepting fails only with the socket; the client sees that as it would on a real server.
                let shutdown = async { stopped.await.unwrap_or_default() };
                drop(runtime.block_on(serve_logged(listener, spec, start, rows, shutdown)));
            })
            .map_err(StartError::Thread)?;
        Ok(Self { base_url: format!("http://{address}"), log, running: Some(Running { stop, thread }) })
    }

    /// For example `http://127.0.0.1:40123`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What happened to each request that has ended so far, in the order of their ends.
    pub fn truth(&self) -> Vec<TruthRow> {
        self.log.rows().iter().map(|row| TruthRow::clone(row)).collect()
    }

    /// Stops at once, cutting what still streams, and waits for the thread; dropping does the same.
    pub fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            // Either may be gone already, which is what is wanted.
            stop.send(()).unwrap_or_default();
            drop(thread.join());
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve_logged(
    listener: TcpListener,
    spec: SimSpec,
    start: u64,
    log: TruthLog,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let clock = Clock::start();
    let driver = Driver::start(Model::new(&spec, start), clock)?;
    let app =
        router(Shared { spec: Arc::new(spec), driver, clock, log, requests: Arc::new(AtomicU64::new(0)) });
    // Small writes leave at once: each token's instant is the point.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    tokio::select! {
        served = axum::serve(listener, app) => served,
        () = shutdown => Ok(()),
    }
}
