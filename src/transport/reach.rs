//! Which way leads to a server, seen from where we run; one name for the machine that a runner works on.

use std::net::{IpAddr, ToSocketAddrs as _};

use super::address::Address;
use crate::host::network;

/// The machine on which the runner works, from inside its containers and outside.
const RUNNER_HOST: &str = "runner-host";
/// What engines call that machine, where they call it anything.
const ENGINE_HOST: &str = "host.docker.internal";

/// The way to a server. Results that came different ways are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Loopback,
    /// From a container to its machine.
    Host,
    /// From a container to another one, by its name.
    Service,
    Network,
}

impl Route {
    pub fn id(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Host => "host",
            Self::Service => "service",
            Self::Network => "network",
        }
    }
}

impl Address {
    /// The same place with `runner-host` put into words that this machine understands, and the way there.
    pub fn reached(mut self) -> (Self, Route) {
        if self.host == RUNNER_HOST {
            let Some(gateway) = network::machine_gateway() else {
                "127.0.0.1".clone_into(&mut self.host);
                return (self, Route::Loopback);
            };
            let is_named = (ENGINE_HOST, self.port).to_socket_addrs().is_ok();
            self.host = if is_named { ENGINE_HOST.to_owned() } else { gateway.to_string() };
            return (self, Route::Host);
        }
        let bare = self.bare_host();
        let is_name = !bare.contains('.') && bare.parse::<IpAddr>().is_err();
        let route = match () {
            () if self.is_loopback() => Route::Loopback,
            () if is_name && network::is_container() => Route::Service,
            () => Route::Network,
        };
        (self, route)
    }

    /// What to do about a server that did not answer here, if we are in a container and it may be on the machine.
    pub fn advice(&self) -> Option<String> {
        let gateway = network::machine_gateway()?;
        let outside = Self { host: gateway.to_string(), ..self.clone() };
        let is_machine = self.host == outside.host || self.host == ENGINE_HOST;
        if self.is_loopback() && outside.is_open() {
            return Some(format!(
                "here, localhost is the container that the load comes from: use {}",
                Self { host: RUNNER_HOST.to_owned(), ..self.clone() }.url()
            ));
        }
        (self.is_loopback() || is_machine).then(|| {
            "the server must listen for containers, too: start it with --host 0.0.0.0, or use the docker/ form of the action, which shares the machine's network".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_their_ways() {
        let way = |url: &str| Address::parse(url).unwrap().reached();
        assert_eq!(way("http://127.0.0.1:1").1, Route::Loopback);
        assert_eq!(way("http://[::1]:1").1, Route::Loopback);
        assert_eq!(way("https://llm.example").1, Route::Network);
        let (address, route) = way("http://runner-host:8000/base");
        assert_eq!((address.port, address.prefix.as_str()), (8000, "/base"));
        // Where this test runs decides which of the two it is.
        let is_machine = route == Route::Loopback && address.host == "127.0.0.1";
        assert!(is_machine || (route == Route::Host && network::is_container()), "{address:?} {route:?}");
    }
}
