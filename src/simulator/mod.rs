//! A simulated LLM server: pure arithmetic in `model`, its network face in `http`.

pub mod http;
pub mod model;
