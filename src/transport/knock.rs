//! The way to a server, step by step: its name, a connection, the handshake.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::options::{HttpError, HttpOptions};
use super::tls;
use crate::base::Nanos;
use crate::host::RealClock;

/// How far it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knocked {
    /// What the name stands for, or why that is unknown.
    pub addresses: Result<Vec<SocketAddr>, String>,
    pub lookup: Nanos,
    /// Each address that was tried, in order: how long the connection took, or why there is none. The first that answers is the
    /// last that is tried.
    pub tried: Vec<(SocketAddr, Result<Nanos, String>)>,
    /// The handshake, where there is TLS and a connection for it.
    pub tls: Option<Result<Nanos, String>>,
}

/// Knocks at every address until one answers. It blocks its thread, at most for the time to connect per address.
pub fn knock(options: &HttpOptions) -> Result<Knocked, HttpError> {
    let HttpOptions { address, tls: wishes, connect_timeout, .. } = options;
    let clock = RealClock::start();
    let found = (address.bare_host(), address.port).to_socket_addrs();
    let lookup = clock.now();
    let addresses = found.map(Iterator::collect::<Vec<_>>).map_err(|error| error.to_string());
    let mut knocked = Knocked { addresses, lookup, tried: Vec::new(), tls: None };
    let limit = Duration::from(*connect_timeout);
    for place in knocked.addresses.clone().unwrap_or_default() {
        let began = clock.now();
        match TcpStream::connect_timeout(&place, limit) {
            Err(error) => knocked.tried.push((place, Err(error.to_string()))),
            Ok(stream) => {
                knocked.tried.push((place, Ok(clock.now() - began)));
                if address.tls {
                    let config = tls::config(wishes)?;
                    let began = clock.now();
                    let shaken = shake(stream, config, address.bare_host(), limit);
                    knocked.tls =
                        Some(shaken.map(|()| clock.now() - began).map_err(|error| error.to_string()));
                }
                break;
            }
        }
    }
    Ok(knocked)
}

fn shake(
    mut stream: TcpStream,
    config: std::sync::Arc<rustls::ClientConfig>,
    host: &str,
    limit: Duration,
) -> io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(())
}
