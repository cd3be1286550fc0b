//! Server-sent events from any cut of the bytes, in time linear in the bytes and in bounded memory.

use memchr::memchr2;

use super::buffer;

/// What the bytes said next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A comment line, which servers send to keep a connection alive.
    Comment,
    /// An event: its `event` name (empty when unnamed) and its `data` lines joined by newlines.
    Event { name: &'a [u8], data: &'a [u8] },
    /// A line or event beyond [`Sse::EVENT_MAX`]; everything after it is dropped.
    Oversize,
}

/// The parser of the HTML standard, section 9.2.6, except that an event which the end of the body cuts short is
/// handed out by [`Sse::finish`] instead of dropped: some servers omit the last blank line.
#[derive(Debug, Default)]
pub(super) struct Sse {
    /// The line that has not ended yet.
    line: Vec<u8>,
    name: Vec<u8>,
    /// The event's `data` lines, each with a newline behind it.
    data: Vec<u8>,
    /// The last byte was a carriage return, so that a line feed now belongs to it.
    after_cr: bool,
    past_first_line: bool,
    oversize: bool,
}

impl Sse {
    /// Bytes of one line or event. The longest real events (log-probabilities, tool calls) are some tens of KiB.
    pub(super) const EVENT_MAX: usize = 1 << 20;

    /// Hands every item that is complete by now to `sink`. An event whose bytes lie in one piece is not copied.
    pub(super) fn feed(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        while !bytes.is_empty() && !self.oversize {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                if !self.bound(self.line.len() + bytes.len(), sink) {
                    self.line.extend_from_slice(bytes);
                }
                return;
            };
            let (line, rest) = bytes.split_at(end);
            // A line end is left for the next turn where what follows it decides how long it is.
            let blank = line_end(rest).and_then(|length| Some(length + line_end(&rest[length..])?));
            if self.line.is_empty() {
                self.end_line(line, blank.is_some(), sink);
            } else {
                self.end_kept_line(line, blank.is_some(), sink);
            }
            if let Some(length) = blank {
                self.dispatch(sink);
                bytes = &rest[length..];
            } else {
                self.after_cr = rest[0] == b'\r';
                bytes = &rest[1..];
            }
        }
    }

    /// The body has ended: hands out what only lacked its line end or blank line.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Item<'_>)) {
        if self.oversize {
            return;
        }
        if !self.line.is_empty() {
            self.end_kept_line(b"", false, sink);
        }
        self.dispatch(sink);
    }

    /// Ready for another body.
    pub(super) fn reset(&mut self) {
        let Self { line, name, data, after_cr, past_first_line, oversize } = self;
        for buffer in [line, name, data] {
            buffer::reset(buffer);
        }
        (*after_cr, *past_first_line, *oversize) = (false, false, false);
    }

    /// Reads the line that was kept, now that its rest has come.
    fn end_kept_line(&mut self, rest: &[u8], last: bool, sink: &mut impl FnMut(Item<'_>)) {
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(rest);
        self.end_line(&line, last, sink);
        if !self.oversize {
            // The buffer goes back, so that cut lines cost no allocation each.
            line.clear();
            self.line = line;
        }
    }

    /// Reads a line; `last` when a blank line follows it at once.
    fn end_line(&mut self, line: &[u8], last: bool, sink: &mut impl FnMut(Item<'_>)) {
        if self.bound(line.len(), sink) {
            return;
        }
        let line = if std::mem::replace(&mut self.past_first_line, true) {
            line
        } else {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        };
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            _ if line.is_empty() => return self.dispatch(sink),
            Some(0) => return sink(Item::Comment),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" if last && self.data.is_empty() => {
                sink(Item::Event { name: &self.name, data: value });
                self.name.clear();
            }
            b"data" => self.add_data(value, sink),
            b"event" => value.clone_into(&mut self.name),
            _ => {}
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.line.capacity() + self.name.capacity() + self.data.capacity()
    }

    fn add_data(&mut self, value: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        if !self.bound(self.data.len() + value.len(), sink) {
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(Item<'_>)) {
        if let Some(data) = self.data.strip_suffix(b"\n") {
            sink(Item::Event { name: &self.name, data });
        }
        self.name.clear();
        self.data.clear();
    }

    /// Gives up, and its memory with it, when `length` is over the bound.
    fn bound(&mut self, length: usize, sink: &mut impl FnMut(Item<'_>)) -> bool {
        if length > Self::EVENT_MAX && !self.oversize {
            *self = Self { oversize: true, ..Self::default() };
            sink(Item::Oversize);
        }
        self.oversize
    }
}

/// Length of the line end with which `bytes` begin; none where there is none, or more bytes must tell.
fn line_end(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] | [b'\r', _, ..] => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut sse = Sse::default();
        let mut items = Vec::new();
        let mut sink = |item: Item<'_>| {
            items.push(match item {
                Item::Comment => "#".to_owned(),
                Item::Oversize => "!".to_owned(),
                Item::Event { name, data } => {
                    format!("{}>{}", String::from_utf8_lossy(name), String::from_utf8_lossy(data))
                }
            });
        };
        for piece in pieces {
            sse.feed(piece, &mut sink);
        }
        sse.finish(&mut sink);
        items
    }

    #[test]
    fn every_writing_of_an_event_is_read() {
        for (text, items) in [
            ("data: a\n\n", &[">a"][..]),
            ("data:a\n\ndata:b\n\n", &[">a", ">b"]),
            ("data: a \r\n\r\ndata: b\r\n\r\n", &[">a ", ">b"]),
            ("data: a\r\rdata: b\r\r", &[">a", ">b"]),
            ("\u{feff}data: a\n\n", &[">a"]),
            ("\n\n\ndata: a\n\n\n", &[">a"]),
            (
                ": ping\n\nevent: error\nid: 1\nretry: 5\nother\ndata: a\ndata:\ndata: b\n\n",
                &["#", "error>a\n\nb"],
            ),
            ("event: gone\n\ndata: a\n\n", &[">a"]),
            ("data\n\n", &[">"]),
            ("data:  two\n\n", &["> two"]),
            ("data: [DONE]", &[">[DONE]"]),
            ("data: a\n", &[">a"]),
            ("no field\n\n", &[]),
        ] {
            assert_eq!(read(&[text.as_bytes()]), items, "{text:?}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), items, "{text:?} byte by byte");
        }
    }

    #[test]
    fn an_event_in_one_piece_is_not_copied() {
        let text = b": ping\n\ndata: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n";
        let mut sse = Sse::default();
        let mut inside = 0;
        sse.feed(text, &mut |item| {
            if let Item::Event { data, .. } = item {
                inside += usize::from(text.as_ptr_range().contains(&data.as_ptr()));
            }
        });
        assert_eq!((inside, sse.held()), (4, 0));
        // Of an event that is cut, only the beginning is kept until the rest comes.
        sse.feed(b"data: e", &mut |_| ());
        assert!((7..64).contains(&sse.held()));
    }

    #[test]
    fn an_endless_line_or_event_is_given_up_once() {
        let long = vec![b'x'; Sse::EVENT_MAX + 1];
        assert_eq!(read(&[b"data: ", &long, b"\n\ndata: a\n\n"]), ["!"]);
        let lines = b"data: xxxxxxxxx\n".repeat(Sse::EVENT_MAX / 10 + 1);
        assert_eq!(read(&[b"data: a\n\n", &lines, b"\n", &lines]), [">a", "!"]);
        let mut sse = Sse::default();
        sse.feed(&long, &mut |_| ());
        sse.feed(&long, &mut |_| ());
        assert_eq!(sse.held(), 0);
        let mut sse = Sse::default();
        sse.feed(&long[1..], &mut |_| ());
        sse.feed(b"xx\n", &mut |_| ());
        assert_eq!((sse.oversize, sse.held()), (true, 0));
        let fits = vec![b'x'; Sse::EVENT_MAX - 6];
        assert_eq!(read(&[b"data: ", &fits, b"\n\n"]).len(), 1);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test bounds its own wall time")]
    fn ten_megabytes_byte_by_byte_stay_linear() {
        let event = [b"data: ".as_slice(), &vec![b'x'; 500_000], b"\n\n"].concat();
        let mut sse = Sse::default();
        let mut total = 0;
        let start = Instant::now();
        for _ in 0..20 {
            for byte in event.chunks(1) {
                sse.feed(byte, &mut |item| {
                    if let Item::Event { data, .. } = item {
                        total += data.len();
                    }
                });
            }
        }
        assert_eq!(total, 10_000_000);
        // Quadratic work would be 10^12 byte visits, many minutes; linear work is well below a second.
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_items(text in "(data|event|:|id|[a\r\n :\u{feff}é]){0,60}", cuts in prop::collection::vec(0_usize..200, 0..8)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
