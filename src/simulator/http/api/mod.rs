//! The APIs: in each file how one is asked, and the words of its answers.

pub(super) mod anthropic;
mod content;
pub(super) mod llama_native;
mod llama_server;
pub(super) mod ollama;
mod ollama_openai;
pub(super) mod openai;
pub(super) mod pooling;
pub(super) mod responses;
mod sglang;
pub(super) mod sglang_native;
pub(super) mod tgi;
mod tool;
pub(super) mod triton;
mod trtllm;
pub(super) mod vllm;
