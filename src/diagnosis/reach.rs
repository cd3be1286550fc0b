//! The way to the server: its name, a connection, TLS.

use super::check::{Check, diagnosis};
use super::facts::{Place, Reach};
use crate::base::Nanos;

/// A connection that takes this long is in every request that opens one.
const FAR: Nanos = Nanos(50_000_000);

pub(super) fn checks(url: &str, reach: &Reach, place: &Place) -> Vec<Check> {
    let again = format!("llm-loadtest doctor --server {url}");
    match reach {
        Reach::NoName { host, why } => vec![Check::failed(
            "dns",
            format!("'{host}' stands for no address: {why}"),
            diagnosis([
                "no answer at all".to_owned(),
                "the server's name cannot be looked up from here".to_owned(),
                format!("looking up '{host}': {why}"),
                "check the spelling; between containers use the service's name on a shared network, or the address itself".to_owned(),
                format!("getent hosts {host}, and then {again}"),
            ]),
        )],
        Reach::NoConnection { tried, loopback } => vec![no_connection(tried, *loopback, place, again)],
        Reach::NoTls { address, why } => vec![
            Check::fine("connect", format!("{address} takes connections")),
            Check::failed("tls", format!("the handshake failed: {why}"), tls(url, why, again)),
        ],
        Reach::Open { addresses, lookup, connect, tls, refused } => {
            let first = addresses.first().map_or("", String::as_str);
            let others = match addresses.len() {
                0 | 1 => String::new(),
                count => format!(" (one of {count} addresses)"),
            };
            let mut checks = vec![Check::fine("dns", format!("{first}{others}, looked up in {lookup}"))];
            checks.push(connected(first, *connect, refused));
            checks.extend(tls.map(|took| Check::fine("tls", format!("the handshake took {took}"))));
            checks
        }
    }
}

fn no_connection(tried: &[(String, String)], loopback: bool, place: &Place, again: String) -> Check {
    let words: Vec<String> = tried.iter().map(|(address, why)| format!("{address}: {why}")).collect();
    let refused = tried.iter().any(|(_, why)| why.to_ascii_lowercase().contains("refused"));
    let cause = match (refused, loopback && place.container) {
        (_, true) => "from inside a container, localhost is the container itself, and no server runs in it",
        (true, false) => {
            "nothing listens there: the server is not started, still loading, or listens on another port or interface"
        }
        (false, false) => "packets get no answer: a firewall, a wrong address, or a machine that is down",
    };
    let solution = match (&place.advice, refused) {
        (Some(advice), _) => advice.clone(),
        (None, true) => "start the server and wait for its 'startup complete'; let it listen for others with --host 0.0.0.0; check the port".to_owned(),
        (None, false) => "check the address and the port's firewall rule, from the machine that sends the load".to_owned(),
    };
    Check::failed(
        "connect",
        format!("no connection: {}", words.join("; ")),
        diagnosis(["no answer at all".to_owned(), cause.to_owned(), words.join("; "), solution, again]),
    )
}

fn tls(url: &str, why: &str, again: String) -> super::Diagnosis {
    let lower = why.to_ascii_lowercase();
    let plain =
        lower.contains("corrupt") || lower.contains("invalidcontenttype") || lower.contains("unexpected eof");
    let (cause, solution) = if lower.contains("certificate") {
        (
            "the server's certificate is not trusted here, has expired, or is for another name",
            "trust its authority with --cacert FILE, use the name that is in the certificate, or skip the check with --insecure".to_owned(),
        )
    } else if plain {
        ("what answers there does not speak TLS", format!("write {}", url.replacen("https://", "http://", 1)))
    } else {
        ("client and server do not agree on TLS", "let the server offer TLS 1.2 or 1.3".to_owned())
    };
    diagnosis([
        "every request fails before it is sent".to_owned(),
        cause.to_owned(),
        why.to_owned(),
        solution,
        again,
    ])
}

fn connected(address: &str, took: Nanos, refused: &[(String, String)]) -> Check {
    if let Some((other, why)) = refused.first() {
        return Check::warning(
            "connect",
            format!("{address} answered in {took}, {other} did not: {why}"),
            diagnosis([
                "connections now and then take long or fail".to_owned(),
                "the name stands for several addresses, and not all of them answer".to_owned(),
                format!("{other}: {why}"),
                format!("name the address that answers, {address}, in --server, or mend the others"),
                "doctor's check 'connect' names one address only".to_owned(),
            ]),
        );
    }
    if took < FAR {
        return Check::fine("connect", format!("{address} answered in {took}"));
    }
    Check::warning(
        "connect",
        format!("{address} answered in {took}"),
        diagnosis([
            "TTFT is high however small the prompt is".to_owned(),
            "the way to the server is long, and each first byte travels it".to_owned(),
            format!("a TCP handshake takes {took}"),
            "send the load from the same network; where it must come from afar, compare only results that came the same way".to_owned(),
            "doctor's check 'connect' stays below 50 ms".to_owned(),
        ]),
    )
}
