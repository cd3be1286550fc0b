//! Sans-IO codecs: bytes in, events out.

mod api;
mod codec;

pub use api::Api;
pub use codec::{CallOptions, Codec, Decode, Event, Tokens};
