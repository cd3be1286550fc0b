//! What all decoders are held against: real samples.

pub(super) mod samples;
