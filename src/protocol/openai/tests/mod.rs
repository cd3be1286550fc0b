//! Decoders against real samples, hand-made streams and any bytes at all.

mod samples;
mod streams;
mod templates;

use crate::protocol::told::{Told, cut, decode, decode_with};
