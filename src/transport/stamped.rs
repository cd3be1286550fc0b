//! A socket that notes when its bytes moved.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::base::Nanos;
use crate::engine::Clock;

/// The instants that a line reads back. Zero means "not yet": a run's clock is past zero before its first socket.
#[derive(Debug, Default)]
pub(super) struct Marks {
    first_write: AtomicU64,
    last_read: AtomicU64,
}

impl Marks {
    /// Forgets the last request's first write.
    pub(super) fn arm(&self) {
        self.first_write.store(0, Relaxed);
    }

    /// First request byte handed to the socket since `arm`.
    pub(super) fn sent(&self) -> Option<Nanos> {
        Some(self.first_write.load(Relaxed)).filter(|&at| at > 0).map(Nanos)
    }

    pub(super) fn read(&self) -> Nanos {
        Nanos(self.last_read.load(Relaxed))
    }
}

/// The socket itself; one clock reading per system call, none per token.
pub(super) struct Stamped<S, C> {
    inner: S,
    clock: C,
    marks: Arc<Marks>,
}

impl<S, C: Clock> Stamped<S, C> {
    pub(super) fn new(inner: S, clock: C) -> (Self, Arc<Marks>) {
        let marks = Arc::new(Marks::default());
        (Self { inner, clock, marks: Arc::clone(&marks) }, marks)
    }

    /// Notes the instant before the bytes are handed over, once per request.
    fn stamp_write(&self) {
        if self.marks.first_write.load(Relaxed) == 0 {
            self.marks.first_write.store(self.clock.now().0, Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin, C: Clock> AsyncRead for Stamped<S, C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let answer = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        self.marks.last_read.store(self.clock.now().0, Relaxed);
        Poll::Ready(answer)
    }
}

impl<S: AsyncWrite + Unpin, C: Clock> AsyncWrite for Stamped<S, C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stamp_write();
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stamp_write();
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
