//! Decoders against real samples, hand-made streams and any bytes at all.

pub(in crate::protocol) mod samples;
mod streams;
mod templates;

use crate::protocol::told::{cut, decode, decode_with};
