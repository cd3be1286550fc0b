//! Protocol Buffers' wire format, as far as `KServe`'s messages need it.

use bytes::{BufMut, Bytes, BytesMut};

/// One field as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// Texts, bytes, messages and packed numbers.
    Bytes(&'a [u8]),
    /// Four or eight bytes, which no field here needs.
    Fixed,
}

/// A message that breaks the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The fields of a message in order, with their numbers.
pub(super) fn fields(message: &[u8]) -> Result<Vec<(u32, Field<'_>)>, Malformed> {
    let mut rest = message;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let number = u32::try_from(key >> 3).map_err(|_| Malformed)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut rest)?),
            1 => taken(&mut rest, 8).map(|_| Field::Fixed)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| Malformed)?;
                Field::Bytes(taken(&mut rest, length)?)
            }
            5 => taken(&mut rest, 4).map(|_| Field::Fixed)?,
            _ => return Err(Malformed),
        };
        found.push((number, field));
    }
    Ok(found)
}

/// Seven bits a byte, the lowest first; ten bytes at most.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn taken<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (head, tail) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = tail;
    Ok(head)
}

/// A message being written.
#[derive(Debug, Default)]
pub(super) struct Message(BytesMut);

impl Message {
    /// A text, bytes or message; empty texts are left out, as the format's defaults are.
    #[must_use]
    pub(super) fn text(self, number: u32, value: &str) -> Self {
        if value.is_empty() { self } else { self.bytes(number, value.as_bytes()) }
    }

    #[must_use]
    pub(super) fn bytes(mut self, number: u32, value: &[u8]) -> Self {
        self.put_varint(u64::from(number) << 3 | 2);
        self.put_varint(value.len() as u64);
        self.0.put_slice(value);
        self
    }

    #[must_use]
    pub(super) fn message(self, number: u32, value: &Self) -> Self {
        self.bytes(number, &value.0)
    }

    /// Written even where it is 0, as members of a `oneof` are.
    #[must_use]
    pub(super) fn varint(mut self, number: u32, value: u64) -> Self {
        self.put_varint(u64::from(number) << 3);
        self.put_varint(value);
        self
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.freeze()
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.put_u8(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_the_formats_own_example() {
        // From "Encoding" in the Protocol Buffers documentation: 150 in field 1, "testing" in field 2.
        assert_eq!(&*Message::default().varint(1, 150).finish(), b"\x08\x96\x01");
        assert_eq!(&*Message::default().text(2, "testing").finish(), b"\x12\x07testing");
        assert_eq!(fields(b"\x08\x96\x01"), Ok(vec![(1, Field::Varint(150))]));
        for broken in
            [&b"\x08"[..], b"\x12\x07test", b"\x0b", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            assert_eq!(fields(broken), Err(Malformed), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_the_same(number in 1_u32..1 << 29, value: u64, text in ".*") {
            let bytes = Message::default().varint(number, value).bytes(number, text.as_bytes()).finish();
            let wanted = vec![(number, Field::Varint(value)), (number, Field::Bytes(text.as_bytes()))];
            prop_assert_eq!(fields(&bytes), Ok(wanted));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(fields(&bytes).is_ok_and(|found| found.len() <= bytes.len()) || fields(&bytes).is_err());
        }
    }
}
