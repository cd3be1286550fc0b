//! Decoders against real samples, hand-made streams and any bytes at all.

mod samples;
mod streams;

use crate::protocol::{Decode, Event};
use crate::record::Failure;

/// Everything that a decoder makes of a body that arrives in pieces.
fn decode(mut decoder: Box<dyn Decode>, pieces: &[&[u8]], clean: bool) -> (Vec<Event>, Result<(), Failure>) {
    let mut events = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut events);
    }
    let end = decoder.finish(clean, &mut events);
    (events, end)
}

/// The pieces of `bytes` between `cuts`, which are taken modulo its length.
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}
