//! The engines whose wire the simulator can wear.

/// Whose API, names and habits are shown. The arithmetic behind them stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Vllm,
    Sglang,
    LlamaServer,
    Ollama,
    TrtLlm,
    Tgi,
    Triton,
    Anthropic,
}

impl Engine {
    pub const ALL: [Self; 8] = [
        Self::Vllm,
        Self::Sglang,
        Self::LlamaServer,
        Self::Ollama,
        Self::TrtLlm,
        Self::Tgi,
        Self::Triton,
        Self::Anthropic,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::LlamaServer => "llama-server",
            Self::Ollama => "ollama",
            Self::TrtLlm => "trtllm",
            Self::Tgi => "tgi",
            Self::Triton => "triton",
            Self::Anthropic => "anthropic",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.id() == name)
    }
}
