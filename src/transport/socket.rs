//! One connection, plain or TLS, that never waits.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Greeting,
    Open,
}

/// A connection and what it still has to write.
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    pub(super) server: u16,
    /// Which of the server's addresses it goes to.
    pub(super) place: usize,
    tls: Option<Box<ClientConnection>>,
    /// Bytes that the system had no room for yet.
    unsent: Vec<u8>,
}

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes; more may lie ready.
    More(usize),
    /// So many bytes, and nothing more for now.
    All(usize),
    /// The server has closed its side.
    End,
}

impl Socket {
    /// Begins to connect.
    pub(super) fn connect(address: SocketAddr, server: u16, place: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        Ok(Self { stream, stage: Stage::Connecting, server, place, tls: None, unsent: Vec::new() })
    }

    /// Goes on with connecting and greeting; true once it is open.
    pub(super) fn advance(&mut self, tls: Option<(&Arc<ClientConfig>, &str)>) -> io::Result<bool> {
        if self.stage == Stage::Connecting {
            if let Some(error) = self.stream.take_error()? {
                return Err(error);
            }
            match self.stream.peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
                Err(error) => return Err(error),
            }
            // Without this a request's second packet could wait for the first one's acknowledgement.
            self.stream.set_nodelay(true)?;
            let Some((config, host)) = tls else {
                self.stage = Stage::Open;
                return Ok(true);
            };
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let mut connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
            // A request is handed over whole, however long its prompt is.
            connection.set_buffer_limit(None);
            self.tls = Some(Box::new(connection));
            self.stage = Stage::Greeting;
        }
        self.flush()?;
        if self.tls.as_ref().is_some_and(|tls| !tls.is_handshaking()) {
            self.stage = Stage::Open;
        }
        Ok(self.stage == Stage::Open)
    }

    /// Hands both parts to the system, or keeps what it has no room for.
    pub(super) fn write(&mut self, head: &[u8], body: &[u8]) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(head)?;
            tls.writer().write_all(body)?;
            return self.flush();
        }
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(head);
            self.unsent.extend_from_slice(body);
            return self.flush();
        }
        let parts = [io::IoSlice::new(head), io::IoSlice::new(body)];
        let written = match self.stream.write_vectored(&parts) {
            Ok(written) => written,
            Err(error) if is_passing(&error) => 0,
            Err(error) => return Err(error),
        };
        if written == head.len() + body.len() {
            return Ok(());
        }
        self.unsent.extend_from_slice(head.get(written..).unwrap_or_default());
        self.unsent.extend_from_slice(body.get(written.saturating_sub(head.len())..).unwrap_or_default());
        self.flush()
    }

    /// Writes on with what was kept.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(());
        }
        let mut from = 0;
        while from < self.unsent.len() {
            match self.stream.write(&self.unsent[from..]) {
                Ok(written) => from += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..from);
        if self.unsent.is_empty() && self.unsent.capacity() > KEPT_MAX {
            self.unsent = Vec::new();
        }
        Ok(())
    }

    /// One read from the system into the front of `buffer`. Under TLS it may bring no byte and still have moved on.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Got::End),
                // Less than there was room for: the socket is empty (epoll(7), question 9).
                Ok(count) if count < buffer.len() => return Ok(Got::All(count)),
                Ok(count) => return Ok(Got::More(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Got::All(0)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Opens sealed bytes; what they hold is appended to `plain`. False when the server has said goodbye.
    pub(super) fn unseal(&mut self, mut sealed: &[u8], plain: &mut Vec<u8>) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        let mut ended = false;
        while !sealed.is_empty() && !ended {
            tls.read_tls(&mut sealed)?;
            let state = tls
                .process_new_packets()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            ended = state.peer_has_closed();
            let from = plain.len();
            plain.resize(from + state.plaintext_bytes_to_read(), 0);
            if plain.len() > from {
                tls.reader().read_exact(&mut plain[from..])?;
            }
        }
        self.flush()?;
        Ok(!ended)
    }
}

/// A long prompt's buffer is given back once it is sent.
const KEPT_MAX: usize = 64 * 1024;

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
