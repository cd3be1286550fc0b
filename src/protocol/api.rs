//! The APIs we speak.

use super::Adapter;

/// An API of an LLM server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/rerank`
    Rerank,
    /// `POST /api/chat`
    OllamaChat,
    /// `POST /api/generate`
    OllamaGenerate,
    /// `POST /v2/models/MODEL/generate_stream`, or `/generate`
    TritonGenerate,
    /// `POST /v2/models/MODEL/infer`
    KserveInfer,
    /// `inference.GRPCInferenceService/ModelStreamInfer`
    KserveGrpc,
    /// `POST /generate_stream`, or `/generate`
    TgiGenerate,
    /// `POST /generate`
    SglangGenerate,
    /// `POST /completion`
    LlamaCompletion,
}

impl Api {
    pub const ALL: [Self; 14] = [
        Self::Chat,
        Self::Completions,
        Self::Responses,
        Self::Messages,
        Self::Embeddings,
        Self::Rerank,
        Self::OllamaChat,
        Self::OllamaGenerate,
        Self::TritonGenerate,
        Self::KserveInfer,
        Self::KserveGrpc,
        Self::TgiGenerate,
        Self::SglangGenerate,
        Self::LlamaCompletion,
    ];

    /// Every id, in the order of help texts.
    pub const IDS: &'static [&'static str] = &[
        "chat",
        "completions",
        "responses",
        "messages",
        "embeddings",
        "rerank",
        "ollama-chat",
        "ollama-generate",
        "triton-generate",
        "kserve-infer",
        "kserve-grpc",
        "tgi-generate",
        "sglang-generate",
        "llama-completion",
    ];

    /// Every id, behind `auto`.
    pub const CHOICES: [&'static str; Self::IDS.len() + 1] = behind_auto(Self::IDS);

    pub fn id(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::OllamaChat => "ollama-chat",
            Self::OllamaGenerate => "ollama-generate",
            Self::TritonGenerate => "triton-generate",
            Self::KserveInfer => "kserve-infer",
            Self::KserveGrpc => "kserve-grpc",
            Self::TgiGenerate => "tgi-generate",
            Self::SglangGenerate => "sglang-generate",
            Self::LlamaCompletion => "llama-completion",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }

    /// The API of an id, or of a name that other tools have for it.
    pub fn named(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        let found = match name.as_str() {
            "openai-chat" | "chat-completions" | "sglang-oai-chat" => Self::Chat,
            "openai" | "vllm" | "sglang-oai" | "text-completions" => Self::Completions,
            "ollama" => Self::OllamaChat,
            "triton" | "generate-stream" => Self::TritonGenerate,
            "kserve" => Self::KserveGrpc,
            "tgi" => Self::TgiGenerate,
            "sglang" => Self::SglangGenerate,
            "llama-server" | "llama.cpp" => Self::LlamaCompletion,
            "openai-responses" => Self::Responses,
            "anthropic" | "anthropic-messages" | "claude" => Self::Messages,
            "openai-embeddings" | "vllm-embeddings" | "sglang-embedding" | "embedding" => Self::Embeddings,
            "vllm-rerank" | "vllm-reranking" | "jina-rerank" | "cohere-rerank" | "ranking" => Self::Rerank,
            id => return Self::ALL.into_iter().find(|api| api.id() == id),
        };
        Some(found)
    }

    /// Whether it answers with generated tokens; embeddings and rankings have none, and no stream either.
    pub fn generates(self) -> bool {
        match self {
            Self::Chat
            | Self::Completions
            | Self::Responses
            | Self::Messages
            | Self::OllamaChat
            | Self::OllamaGenerate
            | Self::TritonGenerate
            | Self::KserveInfer
            | Self::KserveGrpc
            | Self::TgiGenerate
            | Self::SglangGenerate
            | Self::LlamaCompletion => true,
            Self::Embeddings | Self::Rerank => false,
        }
    }

    /// Whether its answers can be streamed.
    pub fn streams(self) -> bool {
        self.generates() && self != Self::KserveInfer
    }

    /// Whether an engine that knows `ignore_eos` takes it here.
    pub fn takes_ignore_eos(self) -> bool {
        self.generates() && self != Self::Messages
    }

    /// The engine whose own API it is.
    pub fn engine(self) -> Option<Adapter> {
        match self {
            Self::OllamaChat | Self::OllamaGenerate => Some(Adapter::Ollama),
            Self::TritonGenerate | Self::KserveInfer | Self::KserveGrpc => Some(Adapter::Triton),
            Self::TgiGenerate => Some(Adapter::Tgi),
            Self::SglangGenerate => Some(Adapter::Sglang),
            Self::LlamaCompletion => Some(Adapter::LlamaServer),
            _ => None,
        }
    }

    /// Whether its requests travel over gRPC instead of HTTP/1.1.
    pub fn is_grpc(self) -> bool {
        self == Self::KserveGrpc
    }
}

/// `auto`, and then the ids.
pub(super) const fn behind_auto<const N: usize>(ids: &[&'static str]) -> [&'static str; N] {
    let mut choices = ["auto"; N];
    let mut at = 0;
    while at < ids.len() {
        choices[at + 1] = ids[at];
        at += 1;
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_is_found_by_its_id() {
        assert_eq!(Api::ALL.map(Api::id).as_slice(), Api::IDS);
        for api in Api::ALL {
            assert_eq!(Api::named(api.id()), Some(api));
        }
        assert_eq!(Api::named("OpenAI-Chat"), Some(Api::Chat));
        assert_eq!(Api::named("anthropic"), Some(Api::Messages));
        assert_eq!(Api::named("vllm-rerank"), Some(Api::Rerank));
        assert_eq!(Api::named("soap"), None);
    }
}
