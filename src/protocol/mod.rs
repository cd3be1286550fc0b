//! Sans-IO codecs: bytes in, events out.

mod api;
mod buffer;
mod codec;
mod errors;
pub mod http1;
pub mod models;
mod openai;
mod sse;
mod text;

pub use api::Api;
pub use codec::{CallOptions, Codec, Decode, Event, Tokens};
pub use openai::codec;
pub use text::Text;
