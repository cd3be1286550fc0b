//! Which servers may be loaded from here: an allow-list of names and networks, and places that nobody may ever reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::app::service::Refusal;
use crate::transport::Address;

/// One entry of the allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// A name or an address, with any port or with one.
    Host(String, Option<u16>),
    /// `*.suffix`: every name below it.
    Below(String),
    /// Every address of a network: the address and how many leading bits count.
    Network(IpAddr, u8),
}

/// The allow-list. `sim:` is always on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    /// Empty: this machine's loopback alone.
    patterns: Vec<Pattern>,
}

/// A pattern that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no pattern of targets")]
pub struct PatternError {
    text: String,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PatternError { text: text.to_owned() };
        let text = text.trim();
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = bare(address).parse().map_err(|_| wrong())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits: u8 = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?;
            return Ok(Self::Network(address, bits));
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        if let Some(suffix) = text.strip_prefix("*.") {
            return if is_name(suffix) { Ok(Self::Below(suffix.to_ascii_lowercase())) } else { Err(wrong()) };
        }
        if let Ok(address) = bare(text).parse::<IpAddr>() {
            return Ok(Self::Host(address.to_string(), None));
        }
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self::Host(socket.ip().to_string(), Some(socket.port())));
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        if is_name(name) { Ok(Self::Host(name.to_ascii_lowercase(), port)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, None) => f.write_str(host),
            Self::Host(host, Some(port)) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, Some(port)) => write!(f, "{host}:{port}"),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

impl Targets {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        Self { patterns }
    }

    /// The list as people read it.
    pub(super) fn shown(&self) -> Vec<String> {
        let own = if self.patterns.is_empty() { vec!["loopback".to_owned()] } else { Vec::new() };
        let patterns = self.patterns.iter().map(Pattern::to_string);
        std::iter::once("sim:".to_owned()).chain(own).chain(patterns).collect()
    }

    /// Whether a URL may be asked, by its name and by what the name stands for now. `setting` is the one that says it.
    pub(super) async fn check(&self, setting: &str, url: &str) -> Result<(), Refusal> {
        if url.starts_with("sim:") {
            return Ok(());
        }
        let bare_url = url.split(['?', '#']).next().unwrap_or(url);
        let (address, _) = Address::parse(bare_url)
            .map_err(|error| {
                Refusal::of(setting, format!("{setting}: {error}"), "write for example http://HOST:PORT")
            })?
            .reached();
        let host = address.bare_host().trim_end_matches('.').to_ascii_lowercase();
        if host == "metadata.google.internal" {
            return Err(never(setting, &host));
        }
        let found = tokio::net::lookup_host((host.as_str(), address.port)).await;
        let places: Vec<IpAddr> = match found {
            Ok(found) => found.map(|place| plain(place.ip())).collect(),
            Err(error) => {
                return Err(Refusal::of(
                    setting,
                    format!("{setting}: {host} is not found: {error}"),
                    "check the name and this server's DNS",
                ));
            }
        };
        if places.iter().any(|place| is_never(*place)) {
            return Err(never(setting, &host));
        }
        if self.allows(&host, address.port, &places) {
            return Ok(());
        }
        Err(Refusal::of(
            setting,
            format!("{setting}: {host}:{} is not among the targets of this server", address.port),
            format!(
                "its operator allows targets with serve --allow-target {host}; allowed are: {}",
                self.shown().join(", ")
            ),
        ))
    }

    fn allows(&self, host: &str, port: u16, places: &[IpAddr]) -> bool {
        let all = |is: &dyn Fn(IpAddr) -> bool| !places.is_empty() && places.iter().all(|place| is(*place));
        if self.patterns.is_empty() {
            return all(&|place| place.is_loopback());
        }
        self.patterns.iter().any(|pattern| match pattern {
            Pattern::Host(name, wanted) => {
                let address = host.parse::<IpAddr>().ok().map(plain);
                let same = name == host || (address.is_some() && address == name.parse::<IpAddr>().ok());
                same && wanted.is_none_or(|wanted| wanted == port)
            }
            Pattern::Below(suffix) => {
                host.strip_suffix(suffix).is_some_and(|head| head.ends_with('.') && head.len() > 1)
            }
            Pattern::Network(network, bits) => all(&|place| within(place, *network, *bits)),
        })
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn never(setting: &str, host: &str) -> Refusal {
    Refusal::of(
        setting,
        format!(
            "{setting}: {host} is link-local, a metadata service or no address of a server: never a target"
        ),
        "give the address of the server under test",
    )
}

/// An IPv4 address in whatever clothes it comes: mapped, translated (RFC 6052) or as it is.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    match six.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        _ => address,
    }
}

/// Addresses at which clouds tell secrets, and which stand for no server.
fn is_never(address: IpAddr) -> bool {
    const METADATA_4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    const METADATA_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(four) => {
            four.is_link_local()
                || four.is_unspecified()
                || four.is_multicast()
                || four.is_broadcast()
                || four == METADATA_4
        }
        IpAddr::V6(six) => {
            six.is_unicast_link_local() || six.is_unspecified() || six.is_multicast() || six == METADATA_6
        }
    }
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (ours, theirs, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32_u32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let shift = width - u32::from(bits).min(width);
    shift >= 128 || ours.checked_shr(shift) == theirs.checked_shr(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(patterns: &[&str]) -> Targets {
        Targets::new(patterns.iter().map(|text| text.parse().unwrap()).collect())
    }

    async fn allowed(targets: &Targets, url: &str) -> bool {
        targets.check("server", url).await.is_ok()
    }

    #[tokio::test]
    async fn without_patterns_only_the_simulator_and_this_machine() {
        let targets = targets(&[]);
        for url in [
            "sim:h100-8b",
            "http://127.0.0.1:8000",
            "http://127.9.9.9/v1",
            "http://[::1]:8000",
            "grpc://127.0.0.1:1",
            "http://[::ffff:127.0.0.1]:1",
        ] {
            assert!(allowed(&targets, url).await, "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://192.0.2.1:80",
            "http://[2001:db8::1]",
            "http://0x0a000001/",
            "ftp://127.0.0.1",
            "http://user:x@127.0.0.1",
        ] {
            assert!(!allowed(&targets, url).await, "{url}");
        }
    }

    #[tokio::test]
    async fn metadata_services_are_out_of_reach_under_every_list_and_in_every_writing() {
        let targets =
            targets(&["0.0.0.0/0", "::/0", "*.internal", "metadata.google.internal", "169.254.169.254"]);
        for url in [
            "http://169.254.169.254/latest",
            "http://169.254.0.1:80",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]",
            "http://[::ffff:a9fe:a9fe]",
            "http://[64:ff9b::a9fe:a9fe]",
            "http://[fe80::1]",
            "http://[fd00:ec2::254]",
            "http://100.100.100.200",
            "http://metadata.google.internal",
            "http://METADATA.google.internal.",
            "http://0.0.0.0:80",
            "http://[::]:80",
        ] {
            assert!(!allowed(&targets, url).await, "{url}");
        }
        assert!(allowed(&targets, "http://10.1.2.3:8000").await);
    }

    #[test]
    fn patterns_are_read_and_shown_alike() {
        for text in [
            "llm.example",
            "llm.example:8000",
            "*.example",
            "10.0.0.0/8",
            "fd00::/8",
            "10.0.0.1:80",
            "[fd00::1]:80",
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        for text in ["", "*", "*.", "http://x", "a b", "10.0.0.0/33", "x/8", "x:port"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_kind_of_pattern_holds_what_it_says() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let here = [ip("10.0.0.7")];
        assert!(targets(&["llm.example"]).allows("llm.example", 1, &here));
        assert!(!targets(&["llm.example:2"]).allows("llm.example", 1, &here));
        assert!(targets(&["*.example"]).allows("a.b.example", 1, &here));
        for other in ["example", "badexample", ".example"] {
            assert!(!targets(&["*.example"]).allows(other, 1, &here), "{other}");
        }
        assert!(targets(&["10.0.0.0/29"]).allows("x", 1, &here));
        assert!(!targets(&["10.0.0.0/29"]).allows("x", 1, &[ip("10.0.0.7"), ip("10.0.0.8")]));
        assert!(!targets(&["10.0.0.0/29"]).allows("x", 1, &[]));
    }
}
