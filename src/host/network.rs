//! Where this process stands in the network of its machine.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

/// Whether we run in a container: GitHub's runner says so for actions, Docker and Podman leave a mark.
pub fn is_container() -> bool {
    let variables = super::env::vars();
    let is = |name: &str, value: &str| variables.get(name).is_some_and(|text| text == value);
    let is_action = is("GITHUB_ACTIONS", "true") && is("GITHUB_WORKSPACE", "/github/workspace");
    is_action || ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
}

/// The machine that this container runs on, as seen from here; none outside a container, and none in one that
/// shares the machine's network.
pub fn machine_gateway() -> Option<Ipv4Addr> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let (interface, gateway) = default_route(&routes)?;
    // The other end of a container's interface lies outside it; a machine's own has none.
    let index = |name: &str| {
        let text = fs::read_to_string(format!("/sys/class/net/{interface}/{name}")).ok()?;
        text.trim().parse::<u32>().ok()
    };
    (is_container() && index("iflink")? != index("ifindex")?).then_some(gateway)
}

/// Interface and gateway of the line whose destination is everything; addresses are hexadecimal, last byte first.
fn default_route(routes: &str) -> Option<(&str, Ipv4Addr)> {
    routes.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (interface, destination, gateway) = (fields.next()?, fields.next()?, fields.next()?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (destination == "00000000" && gateway != 0)
            .then(|| (interface, Ipv4Addr::from(gateway.to_le_bytes())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_read_byte_by_byte_from_its_end() {
        let routes = "Iface\tDestination\tGateway \tFlags\n\
                      eth0\t000011AC\t00000000\t0001\n\
                      eth0\t00000000\t010011AC\t0003\n";
        assert_eq!(default_route(routes), Some(("eth0", Ipv4Addr::new(172, 17, 0, 1))));
        assert_eq!(default_route("Iface\tDestination\neth0\t00000000\t00000000\n"), None);
        assert_eq!(default_route(""), None);
    }
}
