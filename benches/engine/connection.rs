//! One connection of the mock: reads requests, writes pieces of answers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::clock::now;
use crate::wire::Piece;

/// A request that is being answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    /// Its row of the truth.
    pub(crate) row: usize,
    pub(crate) read: u64,
    pub(crate) total: u32,
    /// Tokens written, and bytes of the next piece.
    pub(crate) written: u32,
    pub(crate) skip: usize,
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    input: Vec<u8>,
    pub(crate) job: Option<Job>,
    /// Its socket took less than it was given, and epoll will say when it takes more.
    pub(crate) blocked: bool,
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Models,
    Truth,
    /// A streamed answer of so many tokens, where the body says how many.
    Chat {
        id: String,
        tokens: Option<u32>,
    },
    Unknown,
}

/// How far a read brought a connection.
pub(crate) enum Heard {
    /// A request, and when its last byte was read.
    Request(Wanted, u64),
    Partial,
    Gone,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, input: Vec::new(), job: None, blocked: false }
    }

    /// Reads once; epoll is level-triggered, so what is left announces itself.
    pub(crate) fn hear(&mut self, scratch: &mut [u8]) -> Heard {
        match self.stream.read(scratch) {
            Ok(0) => Heard::Gone,
            Ok(count) => {
                let at = now();
                self.input.extend_from_slice(&scratch[..count]);
                let Some((wanted, length)) = request(&self.input) else { return Heard::Partial };
                self.input.drain(..length);
                Heard::Request(wanted, at)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Heard::Partial,
            Err(_) => Heard::Gone,
        }
    }

    /// One write; how many bytes the socket took.
    pub(crate) fn put(&mut self, piece: &Piece<'_>) -> io::Result<usize> {
        let done = match piece.single() {
            Some(slice) => self.stream.write(slice),
            None => self.stream.write_vectored(&piece.slices()),
        };
        match done {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            done => done,
        }
    }

    /// A whole small answer, waiting until the socket has taken it: nothing is measured at such a time.
    pub(crate) fn answer(&mut self, status: &str, kind: &str, body: &[u8]) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        write!(
            self.stream,
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        self.stream.write_all(body)?;
        self.stream.set_nonblocking(true)
    }
}

/// The first whole request in `input` and its length.
fn request(input: &[u8]) -> Option<(Wanted, usize)> {
    let end = input.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&input[..end]).ok()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let length: usize = header("content-length").map_or(0, |text| text.parse().unwrap());
    let body = input.get(end..end + length)?;
    let mut words = head.split(' ');
    let wanted = match (words.next()?, words.next()?) {
        ("GET", "/v1/models") => Wanted::Models,
        ("GET", "/truth") => Wanted::Truth,
        ("POST", "/v1/chat/completions") => {
            Wanted::Chat { id: header("x-request-id").unwrap_or("unnamed").to_owned(), tokens: tokens(body) }
        }
        _ => Wanted::Unknown,
    };
    Some((wanted, end + length))
}

/// `max_tokens` or `max_completion_tokens`, found without reading the JSON around it.
fn tokens(body: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.rsplit_once("_tokens\":")?;
    let rest = rest.trim_start();
    rest[..rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}
