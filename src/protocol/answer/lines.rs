//! The frame of lines: one document in each line.

use super::reading::Reading;
use super::{Reader, Sink};
use crate::protocol::codec::Decode;
use crate::protocol::ndjson::{Item, Ndjson};
use crate::protocol::stream::Items as _;
use crate::record::Failure;

#[derive(Default)]
pub(in crate::protocol) struct Lines<R> {
    ndjson: Ndjson,
    reading: Reading<R>,
}

impl<R: Reader> Decode for Lines<R> {
    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        self.ndjson.feed(bytes, &mut |item| self.reading.line(item, sink));
    }

    fn finish(&mut self, clean: bool, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if clean {
            self.reading.ends();
            self.ndjson.finish(&mut |item| self.reading.line(item, sink));
        }
        self.reading.verdict(clean)
    }

    fn reset(&mut self) {
        self.ndjson.reset();
        self.reading.reset();
    }
}

impl<R: Reader> Reading<R> {
    fn line(&mut self, item: Item<'_>, sink: &mut Sink<'_>) {
        match item {
            Item::Line(line) => self.document(line, sink),
            Item::Oversize => self.oversize(Ndjson::LINE_MAX, sink),
        }
    }
}
