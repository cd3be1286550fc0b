//! The base URL of a server, taken apart once.

use std::time::Duration;

use crate::base::Hint;

/// Scheme, host, port and path prefix. Invariant: host not empty, port known, path without a trailing slash or `/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Path before `/v1/…`; empty for most servers.
    pub prefix: String,
}

/// A text that is no base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{url}' is not a server address: {why}")]
pub struct AddressError {
    pub url: String,
    pub why: String,
}

/// Longer than any way to a server nearby.
const KNOCK: Duration = Duration::from_secs(1);

impl AddressError {
    pub fn hint(&self) -> Hint {
        Hint::new("give --server as http://HOST:PORT, https://HOST or sim:h100-8b")
    }
}

impl Address {
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let wrong = |why: &str| AddressError { url: url.to_owned(), why: why.to_owned() };
        let parsed = reqwest::Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let tls = match parsed.scheme() {
            // gRPC is spoken without TLS.
            "http" | "grpc" => false,
            "https" => true,
            other => return Err(wrong(&format!("scheme '{other}' is none of http, https and grpc"))),
        };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("it holds a user name or password; use --api-key or --header"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("it has a query or fragment"));
        }
        let host =
            parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it has no host"))?;
        let port = parsed.port_or_known_default().ok_or_else(|| wrong("it has no port"))?;
        let path = parsed.path().trim_end_matches('/');
        // People paste the address that SDKs want, which ends in /v1.
        let prefix = path.strip_suffix("/v1").unwrap_or(path).to_owned();
        Ok(Self { tls, host: host.to_owned(), port, prefix })
    }

    /// `http://host:port/prefix`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.prefix)
    }

    /// The `Host` header.
    pub fn authority(&self) -> String {
        let default = if self.tls { 443 } else { 80 };
        if self.port == default { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether the name or address means this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = self.bare_host();
        bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether anyone listens there.
    pub fn is_open(&self) -> bool {
        use std::net::{TcpStream, ToSocketAddrs as _};
        let places = (self.bare_host(), self.port).to_socket_addrs();
        places.is_ok_and(|mut places| places.any(|place| TcpStream::connect_timeout(&place, KNOCK).is_ok()))
    }

    /// The host without the brackets of an IPv6 address.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        let url = |text: &str| Address::parse(text).map(|address| address.url()).map_err(|error| error.why);
        assert_eq!(url("http://localhost:8000"), Ok("http://localhost:8000".to_owned()));
        assert_eq!(url("http://localhost:8000/v1/"), Ok("http://localhost:8000".to_owned()));
        assert_eq!(url("https://llm.example/proxy/v1"), Ok("https://llm.example/proxy".to_owned()));
        assert_eq!(url("http://[::1]:8000"), Ok("http://[::1]:8000".to_owned()));
        assert!(url("localhost:8000").is_err());
        assert!(url("ftp://host").is_err());
        assert!(url("http://user:pass@host").is_err_and(|why| why.contains("--api-key")));
        assert!(url("http://").is_err());
    }
}
