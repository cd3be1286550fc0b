//! `llm-loadtest simulate`

use std::net::SocketAddr;

use clap::Args;

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Server to simulate: a profile with its options, for example 'h100-8b?regression=ttft:+10%'
    ///
    /// Or an engine whose API, names and habits it shows: vllm, sglang, llama-server, ollama, trtllm, tgi, triton
    /// or anthropic, for example 'ollama' or 'fast?engine=triton'. Everything that can be said is in docs/SIMULATOR.md.
    #[arg(default_value = "h100-8b")]
    pub spec: String,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// Number of this server start; each start draws its own noise, as real servers do
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub start: u64,
}
