//! The framing of HTTP/1.1 responses (RFC 9112), sans-IO: bytes in, heads and body pieces out, nothing copied but what a
//! cut leaves unfinished.

/// The longest head of a response that is read; proxies limit theirs to a fraction of it.
const HEAD_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// Chunk extensions and trailers are skipped, and nobody needs long ones.
const LINE_MAX: usize = 8 * 1024;

/// The next piece of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// Status line and headers are complete.
    Head { status: u16 },
    /// Body bytes, never empty.
    Body(&'a [u8]),
    /// The response is complete.
    End,
    /// What came is not HTTP/1; why, in words. Nothing follows.
    Broken(String),
}

/// One connection's responses, one after the other.
#[derive(Debug, Default)]
pub struct Responses {
    state: State,
    /// A head, or a line of the chunked coding, that has not ended yet.
    rest: Vec<u8>,
    /// The server said that the connection ends with this response.
    closing: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of the body are still to come.
    Length(u64),
    /// The body ends with the connection.
    UntilClose,
    /// The line with a chunk's size.
    Size,
    /// So many bytes of the chunk are still to come.
    Chunk(u64),
    /// The line feed behind a chunk.
    ChunkEnd,
    Trailers,
    /// Everything that was announced has come.
    Complete,
    Broken,
}

impl Responses {
    /// The next part that the bytes hold, taken off their front; none when they are used up.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Part<'a>> {
        loop {
            match self.state {
                State::Complete => {
                    self.state = State::Head;
                    return Some(Part::End);
                }
                _ if bytes.is_empty() => return None,
                State::Head => {
                    if let Some(part) = self.head(bytes) {
                        return Some(part);
                    }
                }
                State::UntilClose => return Some(Part::Body(std::mem::take(bytes))),
                State::Length(left) => {
                    let (body, left) = split(bytes, left);
                    self.state = if left == 0 { State::Complete } else { State::Length(left) };
                    return Some(Part::Body(body));
                }
                State::Chunk(left) => {
                    let (body, left) = split(bytes, left);
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    return Some(Part::Body(body));
                }
                State::Size | State::ChunkEnd | State::Trailers => match self.line(bytes) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(why) => return Some(self.broken(why)),
                },
                State::Broken => {
                    *bytes = &[];
                    return None;
                }
            }
        }
    }

    /// The connection has ended. True where that is this body's proper end.
    pub fn closed(&mut self) -> bool {
        std::mem::replace(&mut self.state, State::Broken) == State::UntilClose
    }

    /// Whether another response may follow on this connection.
    pub fn reusable(&self) -> bool {
        !self.closing && self.state == State::Head && self.rest.is_empty()
    }

    fn broken<'a>(&mut self, why: impl Into<String>) -> Part<'a> {
        self.state = State::Broken;
        Part::Broken(why.into())
    }

    /// Reads on in a head; none when it has not ended, or was an interim one.
    fn head<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            // The usual case: the whole head in one piece, read in place. The bound is that of a head in several.
            let seen = &bytes[..bytes.len().min(HEAD_MAX + 1)];
            return match read_head(seen) {
                Ok(Some(head)) => {
                    *bytes = &bytes[head.length..];
                    self.begin(&head)
                }
                Ok(None) if seen.len() > HEAD_MAX => Some(self.too_long()),
                Ok(None) => {
                    self.rest.extend_from_slice(std::mem::take(bytes));
                    None
                }
                Err(why) => Some(self.broken(why)),
            };
        }
        let before = self.rest.len();
        let room = (HEAD_MAX + 1).saturating_sub(before).min(bytes.len());
        self.rest.extend_from_slice(&bytes[..room]);
        let mut rest = std::mem::take(&mut self.rest);
        match read_head(&rest) {
            Ok(Some(head)) => {
                *bytes = &bytes[head.length - before..];
                rest.clear();
                self.rest = rest;
                self.begin(&head)
            }
            Ok(None) if rest.len() > HEAD_MAX => Some(self.too_long()),
            Ok(None) => {
                *bytes = &[];
                self.rest = rest;
                None
            }
            Err(why) => Some(self.broken(why)),
        }
    }

    fn too_long<'a>(&mut self) -> Part<'a> {
        self.broken(format!("a head of more than {HEAD_MAX} bytes"))
    }

    fn begin<'a>(&mut self, head: &Head) -> Option<Part<'a>> {
        // Interim responses (100, 103) announce nothing that we need.
        if (100..200).contains(&head.status) {
            return None;
        }
        self.closing = head.closing || head.body == State::UntilClose;
        self.state = head.body;
        Some(Part::Head { status: head.status })
    }

    /// Takes a line of the chunked coding; false when it has not ended yet.
    fn line(&mut self, bytes: &mut &[u8]) -> Result<bool, String> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.rest.extend_from_slice(std::mem::take(bytes));
            return if self.rest.len() > LINE_MAX {
                Err("a chunk line without an end".to_owned())
            } else {
                Ok(false)
            };
        };
        if self.rest.len() + end > LINE_MAX {
            return Err("a chunk line without an end".to_owned());
        }
        let (line, after) = (&bytes[..end], &bytes[end + 1..]);
        *bytes = after;
        if self.rest.is_empty() {
            self.state = self.after_line(line)?;
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(line);
            self.state = self.after_line(&rest)?;
            rest.clear();
            self.rest = rest;
        }
        Ok(true)
    }

    fn after_line(&self, line: &[u8]) -> Result<State, String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::Size => Ok(match size(line)? {
                0 => State::Trailers,
                size => State::Chunk(size),
            }),
            State::ChunkEnd if line.is_empty() => Ok(State::Size),
            State::ChunkEnd => Err("a chunk longer than its size".to_owned()),
            _ if line.is_empty() => Ok(State::Complete),
            _ => Ok(State::Trailers),
        }
    }
}

fn split<'a>(bytes: &mut &'a [u8], left: u64) -> (&'a [u8], u64) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let (body, rest) = bytes.split_at(taken);
    *bytes = rest;
    (body, left - taken as u64)
}

/// The hexadecimal size in front of a chunk, extensions left out.
fn size(line: &[u8]) -> Result<u64, String> {
    let wrong = || format!("'{}' is not a chunk size", String::from_utf8_lossy(&line[..line.len().min(40)]));
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if digits.is_empty() || digits.len() > 15 {
        return Err(wrong());
    }
    digits.iter().try_fold(0_u64, |size, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or_else(wrong)?;
        Ok(size * 16 + u64::from(digit))
    })
}

/// What a head says about what follows it.
struct Head {
    length: usize,
    status: u16,
    body: State,
    closing: bool,
}

/// RFC 9112, section 6.3: how long the body is. None when the head has not ended.
fn read_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("the answer is not HTTP/1.1: {error}")),
    };
    let status = response.code.unwrap_or(0);
    let values = |name: &'static str| {
        let named = response.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.flat_map(|header| header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
    };
    let says = |name, word: &[u8]| values(name).any(|value| value.eq_ignore_ascii_case(word));
    let body = if (100..200).contains(&status) || matches!(status, 204 | 304) {
        State::Complete
    } else if values("transfer-encoding")
        .next_back()
        .is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"))
    {
        State::Size
    } else if let Some(value) = values("content-length").next() {
        match std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) {
            Some(0) => State::Complete,
            Some(length) => State::Length(length),
            None => return Err(format!("'{}' is not a content length", String::from_utf8_lossy(value))),
        }
    } else {
        State::UntilClose
    };
    let old = response.version == Some(0);
    let closing = says("connection", b"close") || (old && !says("connection", b"keep-alive"));
    Ok(Some(Head { length, status, body, closing }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The parts of the bytes when they come in pieces of these lengths, bodies joined.
    fn read(bytes: &[u8], cuts: &[usize], closes: bool) -> (Vec<String>, bool) {
        let (mut responses, mut said, mut body) = (Responses::default(), Vec::new(), Vec::new());
        let mut ends: Vec<usize> =
            cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
        ends.sort_unstable();
        let mut from = 0;
        for end in ends {
            let mut piece = &bytes[from..end];
            from = end;
            while let Some(part) = responses.next(&mut piece) {
                match part {
                    Part::Body(more) => body.extend_from_slice(more),
                    Part::Head { status } => said.push(format!("head {status}")),
                    Part::End => {
                        said.push(format!("end {:?}", String::from_utf8_lossy(&std::mem::take(&mut body))));
                    }
                    Part::Broken(why) => said.push(format!("broken {why}")),
                }
            }
        }
        let reusable = responses.reusable();
        if closes && responses.closed() {
            said.push(format!("closed {:?}", String::from_utf8_lossy(&body)));
        }
        (said, reusable)
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\n1;name=value\r\n,\r\nA\r\n 0123456\r\n\r\n0\r\nx-trailer: 1\r\n\r\nHTTP/1.1 429 Busy\r\nContent-Length: 3\r\n\r\nno!";

    #[test]
    fn framings_are_read_as_the_rfc_says() {
        let words = |bytes: &[u8]| read(bytes, &[], true);
        assert_eq!(
            words(CHUNKED),
            (
                vec![
                    "head 200".into(),
                    "end \"hello, 0123456\\r\\n\"".into(),
                    "head 429".into(),
                    "end \"no!\"".into()
                ],
                true
            )
        );
        let (said, reusable) = words(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!((said.join(" "), reusable), ("head 200 end \"hi\"".to_owned(), false));
        let (said, reusable) = words(b"HTTP/1.0 200 OK\r\n\r\nuntil close");
        assert_eq!((said.join(" "), reusable), ("head 200 closed \"until close\"".to_owned(), false));
        assert_eq!(words(b"HTTP/1.1 204 None\r\n\r\n").0.join(" "), "head 204 end \"\"");
        assert_eq!(words(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut").0, ["head 200"]);
    }

    #[test]
    fn what_is_not_http_says_so() {
        let last = |bytes: &[u8]| read(bytes, &[], false).0.pop().unwrap();
        insta::assert_snapshot!(last(b"SSH-2.0-OpenSSH_9.2\r\n"), @"broken the answer is not HTTP/1.1: invalid HTTP version");
        insta::assert_snapshot!(last(b"HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\n"), @"broken '-3' is not a content length");
        insta::assert_snapshot!(last(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), @"broken 'zz' is not a chunk size");
        insta::assert_snapshot!(last(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n"), @"broken a chunk longer than its size");
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'a'; HEAD_MAX]].concat();
        insta::assert_snapshot!(read(&endless, &[9], false).0.pop().unwrap(), @"broken a head of more than 65536 bytes");
    }

    proptest! {
        #[test]
        fn the_cut_of_the_bytes_never_matters(cuts in prop::collection::vec(0_usize..4_096, 0..40)) {
            prop_assert_eq!(read(CHUNKED, &cuts, false), read(CHUNKED, &[], false));
        }

        #[test]
        fn no_bytes_bring_it_down(bytes: Vec<u8>, cuts in prop::collection::vec(0_usize..4_096, 0..9)) {
            read(&bytes, &cuts, true);
            let dressed = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice(), &bytes].concat();
            read(&dressed, &cuts, true);
        }
    }
}
