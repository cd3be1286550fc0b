//! Lines of JSON from any cut of the bytes, in time linear in the bytes and in bounded memory.

use memchr::memchr;

use super::buffer;

/// What the bytes said next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A line without its end and without white space around it; never empty.
    Line(&'a [u8]),
    /// A line beyond [`Ndjson::LINE_MAX`]; everything after it is dropped.
    Oversize,
}

#[derive(Debug, Default)]
pub(super) struct Ndjson {
    /// The line that has not ended yet.
    line: Vec<u8>,
    oversize: bool,
}

impl Ndjson {
    /// Bytes of one line. Only a whole answer with images or a long context array comes near.
    pub(super) const LINE_MAX: usize = 1 << 20;

    /// Hands every line that is complete by now to `sink`. A line whose bytes lie in one piece is not copied.
    pub(super) fn feed(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        while !self.oversize
            && let Some(end) = memchr(b'\n', bytes)
        {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.line.is_empty() {
                self.end_line(line, sink);
            } else {
                self.end_kept_line(line, sink);
            }
        }
        if !self.bound(self.line.len() + bytes.len(), sink) {
            self.line.extend_from_slice(bytes);
        }
    }

    /// The body has ended: hands out what only lacked its line end.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Item<'_>)) {
        if !self.oversize {
            self.end_kept_line(b"", sink);
        }
    }

    /// Ready for another body.
    pub(super) fn reset(&mut self) {
        buffer::reset(&mut self.line);
        self.oversize = false;
    }

    fn end_kept_line(&mut self, rest: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(rest);
        self.end_line(&line, sink);
        if !self.oversize {
            // The buffer goes back, so that cut lines cost no allocation each.
            line.clear();
            self.line = line;
        }
    }

    fn end_line(&mut self, line: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        let words = line.trim_ascii();
        if !self.bound(line.len(), sink) && !words.is_empty() {
            sink(Item::Line(words));
        }
    }

    /// Gives up, and its memory with it, when `length` is over the bound.
    fn bound(&mut self, length: usize, sink: &mut impl FnMut(Item<'_>)) -> bool {
        if length > Self::LINE_MAX && !self.oversize {
            *self = Self { line: Vec::new(), oversize: true };
            sink(Item::Oversize);
        }
        self.oversize
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.line.capacity()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::told::cut;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut items) = (Ndjson::default(), Vec::new());
        let mut sink = |item: Item<'_>| {
            items.push(match item {
                Item::Line(line) => String::from_utf8_lossy(line).into_owned(),
                Item::Oversize => "!".to_owned(),
            });
        };
        for piece in pieces {
            lines.feed(piece, &mut sink);
        }
        lines.finish(&mut sink);
        items
    }

    #[test]
    fn lines_end_as_servers_end_them() {
        assert_eq!(read(&[b"{}\n[1]\r\n\n  \n 2 \n3"]), ["{}", "[1]", "2", "3"]);
        assert_eq!(read(&[b""]), Vec::<String>::new());
    }

    #[test]
    fn an_endless_line_is_given_up_once() {
        let long = vec![b'x'; Ndjson::LINE_MAX + 1];
        assert_eq!(read(&[b"a\n", &long, b"\nb\n"]), ["a", "!"]);
        assert_eq!(read(&[b"a\n", &long[1..], b"xx\nb\n"]), ["a", "!"]);
        assert_eq!(read(&[&long[1..]]).len(), 1);
        let mut lines = Ndjson::default();
        lines.feed(&long, &mut |_| ());
        lines.feed(&long, &mut |_| ());
        assert_eq!(lines.held(), 0);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(text in "[a\r\n é]{0,60}", cuts in prop::collection::vec(0_usize..200, 0..8)) {
            prop_assert_eq!(read(&cut(text.as_bytes(), &cuts)), read(&[text.as_bytes()]));
        }
    }
}
