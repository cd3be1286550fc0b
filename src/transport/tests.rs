//! Sockets and gRPC against servers that do as they please.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use reqwest::header::HeaderMap;

use super::*;
use crate::base::Nanos;
use crate::engine::{Arrival, Call, Inbox, LineId, Net, What};
use crate::host::RealClock;
use crate::protocol::http1::{Part, Responses};
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
fn arrivals(sockets: &mut impl Net, wanted: usize) -> Vec<Arrival> {
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

fn grpc(address: SocketAddr) -> Grpc {
    Grpc::new(&[options(&format!("grpc://{address}"))], RealClock::start()).unwrap()
}

/// A body of frames that lie ready.
struct Script(VecDeque<Frame<Bytes>>);

impl http_body::Body for Script {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// A server that answers every request with these messages and this status.
fn grpc_server(messages: &'static [&'static [u8]], status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move || async move {
        let data = messages.iter().map(|message| {
            let prefix = [&[0], &(message.len() as u32).to_be_bytes()[..]].concat();
            Frame::data(Bytes::from([&prefix, *message].concat()))
        });
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        trailers.insert("grpc-message", "words%20of%20it".parse().unwrap());
        let frames = data.chain([Frame::trailers(trailers)]).collect();
        let response = axum::http::Response::builder().header("content-type", "application/grpc");
        response.body(axum::body::Body::new(Script(frames))).unwrap()
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, axum::Router::new().fallback(answer)).await
        })
    });
    address
}

/// Makes one request on a fresh line: its instant, and what came until the response ended.
fn ask(net: &mut Grpc) -> (Nanos, Vec<(Nanos, String)>) {
    let line = net.open(0);
    assert!(matches!(arrivals(net, 1)[0].what, What::Opened));
    let call = Call { path: "/a.B/C".into(), body: Bytes::from_static(b"ask"), id: "1".to_owned() };
    let sent = net.send(line, &call);
    let (mut inbox, mut said, mut responses) = (Inbox::default(), Vec::new(), Responses::default());
    let patience = net.now() + Nanos::from_secs(20.0);
    while net.now() < patience {
        net.wait(net.now() + Nanos::from_ms(50.0), &mut inbox);
        for Arrival { at, what, .. } in inbox.arrivals.drain(..) {
            let What::Bytes(range) = what else { panic!("{what:?}") };
            let mut bytes = &inbox.bytes[range];
            while let Some(part) = responses.next(&mut bytes) {
                let is_end = part == Part::End;
                said.push((
                    at,
                    match part {
                        Part::Body(body) => format!("{:?}", String::from_utf8_lossy(body)),
                        other => format!("{other:?}"),
                    },
                ));
                if is_end {
                    return (sent, said);
                }
            }
        }
    }
    panic!("no end: {said:?}");
}

#[test]
fn messages_over_grpc_arrive_in_the_framing_of_http() {
    let (sent, said) = ask(&mut grpc(grpc_server(&[b"one", b"two"], "0")));
    let words: Vec<&str> = said.iter().map(|(_, words)| words.as_str()).collect();
    let frame = |message: &str| format!("{:?}", format!("\0\0\0\0\u{3}{message}"));
    assert_eq!(words, ["Head { status: 200 }", &frame("one"), &frame("two"), "End"]);
    assert!(said.iter().map(|(at, _)| *at).is_sorted());
    assert!(said[0].0 > sent);
}

#[test]
fn a_status_that_is_not_ok_comes_as_a_frame_of_its_own() {
    const ONE: &[&[u8]] = &[b"one"];
    for messages in [&[], ONE] {
        let (_, said) = ask(&mut grpc(grpc_server(messages, "8")));
        let [.., (_, status), (_, end)] = said.as_slice() else { panic!("{said:?}") };
        assert!(status.contains("grpc-status: 8\\r\\ngrpc-message: words of it\\r\\n"), "{status}");
        assert_eq!((said.len(), end.as_str()), (messages.len() + 3, "End"));
    }
}

#[test]
fn a_line_over_grpc_that_nobody_answers_arrives_as_closed() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut net = grpc(free);
    net.open(0);
    let arrival = arrivals(&mut net, 1).pop().unwrap();
    let What::Closed(Some(failure)) = arrival.what else { panic!("{arrival:?}") };
    assert_eq!(failure.class, FailureClass::Connect);
    assert!(failure.detail.contains("refused"), "{}", failure.detail);

    // Gone after it was opened, before it answered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut net = grpc(listener.local_addr().unwrap());
    let line = net.open(0);
    let kept = listener.accept().unwrap();
    assert!(matches!(arrivals(&mut net, 1)[0].what, What::Opened));
    drop((kept, listener));
    net.send(line, &Call { path: "/a.B/C".into(), body: Bytes::new(), id: "1".to_owned() });
    let closed = arrivals(&mut net, 1).pop().unwrap();
    let What::Closed(Some(failure)) = closed.what else { panic!("{closed:?}") };
    assert!(failure.detail.starts_with("connection lost"), "{}", failure.detail);
}
