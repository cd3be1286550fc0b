//! The raw client: one thread, epoll, a read per event, lines counted and nothing understood. The floor of every ratio.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use memchr::memchr;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::clock::now;
use crate::options::find;

/// Enough of a line to know what it is.
const CARRY: usize = 16;

/// Requests sent before arrivals are looked at, so that a burst of sending does not delay reading.
const BURST: usize = 64;

/// Digits of a request's index in its id.
const DIGITS: usize = 8;

struct Stream {
    socket: TcpStream,
    index: usize,
    sent: u64,
    /// The beginning of a line that is not whole yet.
    carry: [u8; CARRY],
    have: usize,
    events: u32,
    /// When each event was read, where rows are asked for.
    stamps: Vec<u64>,
    last_chunk: bool,
}

struct Client {
    streams: Vec<Stream>,
    request: Vec<u8>,
    /// Where the digits of the id stand in the request.
    id: usize,
    next: usize,
    requests: usize,
    /// Tokens that came.
    chunks: u64,
    done: usize,
    keep: bool,
    /// Finished requests: index, send, end and the instants of their events. They are written after the last one, because
    /// writing a row takes longer than reading a token.
    rows: Vec<(usize, u64, u64, Vec<u64>)>,
}

/// Sends `--requests` over `--streams` connections that are open before the first is sent, and prints chunks and window.
pub(crate) fn main(arguments: &[String]) {
    crate::clock::raise_open_files();
    let need = |name: &str| find(arguments, name).unwrap_or_else(|| panic!("--{name} is needed"));
    let address: SocketAddr = find(arguments, "server").unwrap();
    let (streams, requests): (usize, usize) = (need("streams"), need("requests"));
    let rows = find::<String>(arguments, "rows");
    let (request, id) = request(&address, need("tokens"));
    let mut client = Client {
        streams: (0..streams).map(|_| open(address)).collect(),
        request,
        id,
        next: 0,
        requests,
        chunks: 0,
        done: 0,
        keep: rows.is_some(),
        rows: Vec::with_capacity(requests),
    };
    let (from, to) = client.run();
    if let Some(path) = rows {
        std::fs::write(path, client.rows.iter().map(line).collect::<String>()).unwrap();
    }
    println!(r#"{{"chunks":{},"window_s":{}}}"#, client.chunks, (to - from) as f64 / 1e9);
}

/// A row as `requests.jsonl` has it: the role event before the tokens, usage and `[DONE]` after them are left out.
fn line((index, sent, done, stamps): &(usize, u64, u64, Vec<u64>)) -> String {
    let tokens = &stamps[1..stamps.len() - 2];
    let chunks: Vec<f64> = tokens.iter().map(|at| (at - sent) as f64 / 1e6).collect();
    let (sent, done) = (*sent as f64 / 1e6, *done as f64 / 1e6);
    format!(
        "{{\"index\":{index},\"phase\":\"measure\",\"outcome\":\"success\",\"sent_ms\":{sent},\"chunk_ms\":{chunks:?},\"done_ms\":{done}}}\n"
    )
}

fn open(address: SocketAddr) -> Stream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    Stream {
        socket,
        index: 0,
        sent: 0,
        carry: [0; CARRY],
        have: 0,
        events: 0,
        stamps: Vec::new(),
        last_chunk: false,
    }
}

/// The bytes of every request, and where its number stands in them.
fn request(address: &SocketAddr, tokens: usize) -> (Vec<u8>, usize) {
    let prompt = "time of the year and way to a new day ".repeat(15);
    let body = format!(
        r#"{{"model":"mock","messages":[{{"role":"user","content":"{prompt}"}}],"stream":true,"stream_options":{{"include_usage":true}},"max_completion_tokens":{tokens}}}"#
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-request-id: raw-1-",
        body.len()
    );
    let id = head.len();
    (format!("{head}{}\r\n\r\n{body}", "0".repeat(DIGITS)).into_bytes(), id)
}

impl Client {
    /// Runs the closed loop; its first send and its last end.
    fn run(&mut self) -> (u64, u64) {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        for (place, stream) in self.streams.iter().enumerate() {
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&poll, &stream.socket, data, epoll::EventFlags::IN).unwrap();
        }
        let mut events = Vec::with_capacity(1_024);
        let mut scratch = vec![0; 64 * 1024];
        let from = now();
        for place in 0..self.streams.len() {
            self.send(place);
            if place % BURST == BURST - 1 {
                epoll::wait(&poll, spare_capacity(&mut events), Some(&Timespec::default())).unwrap();
                self.hear(&mut events, &mut scratch);
            }
        }
        while self.done < self.requests {
            epoll::wait(&poll, spare_capacity(&mut events), None).unwrap();
            self.hear(&mut events, &mut scratch);
        }
        (from, now())
    }

    fn hear(&mut self, events: &mut Vec<epoll::Event>, scratch: &mut [u8]) {
        for event in events.drain(..) {
            let place = event.data.u64() as usize;
            let count = match self.streams[place].socket.read(scratch) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => panic!("{error}"),
            };
            let at = now();
            assert!(count > 0, "the server closed a connection");
            if self.streams[place].feed(&scratch[..count], at, self.keep) {
                self.finish(place, at);
            }
        }
    }

    fn send(&mut self, place: usize) {
        if self.next == self.requests {
            return;
        }
        let digits = format!("{:0DIGITS$}", self.next);
        self.request[self.id..self.id + DIGITS].copy_from_slice(digits.as_bytes());
        let stream = &mut self.streams[place];
        (stream.index, stream.events, stream.last_chunk) = (self.next, 0, false);
        stream.sent = now();
        let taken = stream.socket.write(&self.request).unwrap();
        assert_eq!(taken, self.request.len(), "an empty socket takes a small request whole");
        self.next += 1;
    }

    /// An answer is whole: all its events but role, usage and `[DONE]` were tokens.
    fn finish(&mut self, place: usize, at: u64) {
        let stream = &mut self.streams[place];
        self.chunks += u64::from(stream.events - 3);
        self.done += 1;
        if self.keep {
            self.rows.push((stream.index, stream.sent, at, std::mem::take(&mut stream.stamps)));
        }
        self.send(place);
    }
}

impl Stream {
    /// Looks at the lines that `bytes` end; whether the answer is whole.
    fn feed(&mut self, mut bytes: &[u8], at: u64, keep: bool) -> bool {
        let mut whole = false;
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            whole |= if self.have == 0 {
                self.line(line, at, keep)
            } else {
                self.hold(line);
                let (carry, have) = (self.carry, std::mem::take(&mut self.have));
                self.line(&carry[..have], at, keep)
            };
        }
        self.hold(bytes);
        whole
    }

    fn hold(&mut self, bytes: &[u8]) {
        let taken = bytes.len().min(CARRY - self.have);
        self.carry[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
        self.have += taken;
    }

    fn line(&mut self, line: &[u8], at: u64, keep: bool) -> bool {
        if line.starts_with(b"data: ") {
            self.events += 1;
            if keep {
                self.stamps.push(at);
            }
        } else if line == b"0\r" {
            self.last_chunk = true;
        } else if line.starts_with(b"HTTP/1.1") {
            assert!(line.starts_with(b"HTTP/1.1 200"), "the server refused");
        } else if self.last_chunk && line == b"\r" {
            return true;
        }
        false
    }
}
