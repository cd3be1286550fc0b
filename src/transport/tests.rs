//! Sockets against listeners that do as they please.

use std::net::TcpListener;

use super::*;
use crate::base::Nanos;
use crate::engine::{Arrival, Inbox, LineId, Net as _, What};
use crate::host::RealClock;
use crate::record::FailureClass;

fn options(url: &str) -> HttpOptions {
    HttpOptions {
        address: Address::parse(url).unwrap(),
        api_key: None,
        key_header: None,
        headers: Vec::new(),
        tls: TlsOptions::default(),
        connect_timeout: Nanos::from_secs(5.0),
    }
}

fn sockets(url: &str) -> Sockets {
    Sockets::new(&[options(url)], RealClock::start()).unwrap()
}

/// Waits for so many arrivals that are not bytes.
fn arrivals(sockets: &mut Sockets, wanted: usize) -> Vec<Arrival> {
    let (mut inbox, mut found) = (Inbox::default(), Vec::new());
    let patience = sockets.now() + Nanos::from_secs(20.0);
    while found.len() < wanted && sockets.now() < patience {
        sockets.wait(sockets.now() + Nanos::from_ms(50.0), &mut inbox);
        found.append(&mut inbox.arrivals);
    }
    assert_eq!(found.len(), wanted, "{found:?}");
    found
}

#[test]
fn the_slot_of_a_lost_line_is_free_only_when_the_engine_has_closed_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sockets = sockets(&format!("http://{}", listener.local_addr().unwrap()));
    let lines: Vec<LineId> = (0..3).map(|_| sockets.open(0)).collect();
    let kept: Vec<_> = (0..3).map(|_| listener.accept().unwrap()).collect();
    let opened = arrivals(&mut sockets, 3);
    assert!(opened.iter().all(|arrival| matches!(arrival.what, What::Opened)), "{opened:?}");
    drop(kept);
    let closed = arrivals(&mut sockets, 3);
    assert!(closed.iter().all(|arrival| matches!(arrival.what, What::Closed(None))), "{closed:?}");
    let fourth = sockets.open(0);
    assert!(lines.iter().all(|line| line.slot != fourth.slot));
    sockets.close(lines[1]);
    let fifth = sockets.open(0);
    assert_eq!((fifth.slot, fifth.generation), (lines[1].slot, lines[1].generation + 1));
}

#[test]
fn a_refused_connection_and_an_unknown_name_arrive_as_closed_lines() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, words) in
        [(format!("http://{free}"), "refused"), ("http://no-such-host.invalid".to_owned(), "no-such-host")]
    {
        let mut sockets = sockets(&url);
        sockets.open(0);
        let arrival = arrivals(&mut sockets, 1).pop().unwrap();
        let What::Closed(Some(failure)) = arrival.what else { panic!("{arrival:?}") };
        assert_eq!(failure.class, FailureClass::Connect);
        assert!(failure.detail.contains(words), "{}", failure.detail);
    }
}
