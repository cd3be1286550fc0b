//! The listening socket: so many connections in all and from each address, and none that stays silent for ever.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tracing::warn;

/// Connections in all, and from one address: a browser opens six.
const ALL_MAX: usize = 1_024;
const EACH_MAX: usize = 128;
/// A connection on which nothing moves in either direction for so long is closed; event streams say something every 15 s.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// Where the system has no file descriptor left.
const BREATHE: Duration = Duration::from_millis(200);

/// Lets connections in.
pub(super) struct Door {
    listener: TcpListener,
    guests: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(stream.remote_addr().ip().to_canonical())
    }
}

/// One connection.
pub(super) struct Guest {
    stream: TcpStream,
    silence: Pin<Box<Sleep>>,
    _place: Place,
}

/// Its place among the connections.
struct Place {
    guests: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Door {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, guests: Arc::default() }
    }

    fn place(&self, address: IpAddr) -> Option<Place> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = guests.values().sum();
        let own = guests.entry(address).or_default();
        if all >= ALL_MAX || *own >= EACH_MAX {
            return None;
        }
        *own += 1;
        Some(Place { guests: Arc::clone(&self.guests), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = guests.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                guests.remove(&self.address);
            }
        }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            match self.listener.accept().await {
                // One too many is closed at once.
                Ok((stream, address)) => {
                    if let Some(place) = self.place(address.ip()) {
                        // Events are small, and are to arrive when they happen.
                        let _set = stream.set_nodelay(true).is_ok();
                        return (
                            Guest { stream, silence: Box::pin(sleep(SILENCE_MAX)), _place: place },
                            address,
                        );
                    }
                }
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    sleep(BREATHE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Guest {
    fn moved(&mut self) {
        let now = Instant::now();
        self.silence.as_mut().reset(now + SILENCE_MAX);
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => {
                ready!(self.silence.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.moved();
        Poll::Ready(done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
