//! The engines we know: which API is their own, and which fields beyond `OpenAI`'s they take.

use serde_json::Value;

use super::Api;
use super::api::behind_auto;

/// An engine, or a proxy in front of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Adapter {
    /// Any server with `OpenAI`'s API: vLLM's two fields for exact lengths are tried, since most engines know them.
    #[default]
    Generic,
    /// `OpenAI`'s own service, and servers that refuse every field that is not `OpenAI`'s.
    OpenAi,
    Vllm,
    Sglang,
    LlamaServer,
    Ollama,
    Lmdeploy,
    TrtLlm,
    Tgi,
    Triton,
    Litellm,
    Nim,
    Transformers,
    Anthropic,
}

/// The fields that an engine takes besides the API's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    pub ignore_eos: bool,
    /// What the engine calls the least number of tokens.
    pub min_tokens: Option<&'static str>,
    /// `stream_options.continuous_usage_stats`: token counts in every chunk.
    pub continuous_usage: bool,
    /// Chat's limit is called `max_completion_tokens`.
    pub max_completion_tokens: bool,
}

/// What a server tells about itself when it is asked for its models, its version and its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clues {
    /// The `Server` header.
    pub server: Option<String>,
    /// Names of its other headers.
    pub headers: Vec<String>,
    /// The body of `/v1/models`.
    pub models: Option<String>,
    /// The body of `/`.
    pub root: Option<String>,
    /// The body of `/v2`.
    pub v2: Option<String>,
    /// The body of `/info`.
    pub info: Option<String>,
}

impl Adapter {
    pub const ALL: [Self; 14] = [
        Self::Generic,
        Self::OpenAi,
        Self::Vllm,
        Self::Sglang,
        Self::LlamaServer,
        Self::Ollama,
        Self::Lmdeploy,
        Self::TrtLlm,
        Self::Tgi,
        Self::Triton,
        Self::Litellm,
        Self::Nim,
        Self::Transformers,
        Self::Anthropic,
    ];

    /// Every id, in the order of help texts.
    pub const IDS: &'static [&'static str] = &[
        "generic",
        "openai",
        "vllm",
        "sglang",
        "llama-server",
        "ollama",
        "lmdeploy",
        "trtllm",
        "tgi",
        "triton",
        "litellm",
        "nim",
        "transformers",
        "anthropic",
    ];

    /// Every id, behind `auto`.
    pub const CHOICES: [&'static str; Self::IDS.len() + 1] = behind_auto(Self::IDS);

    pub fn id(self) -> &'static str {
        Self::IDS[self as usize]
    }

    /// What people call it, for example `llama-server (llama.cpp)`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Generic => "an OpenAI-compatible server",
            Self::OpenAi => "OpenAI",
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::LlamaServer => "llama-server (llama.cpp)",
            Self::Ollama => "Ollama",
            Self::Lmdeploy => "LMDeploy",
            Self::TrtLlm => "TensorRT-LLM (trtllm-serve)",
            Self::Tgi => "TGI",
            Self::Triton => "Triton Inference Server",
            Self::Litellm => "LiteLLM",
            Self::Nim => "NVIDIA NIM",
            Self::Transformers => "transformers serve",
            Self::Anthropic => "Anthropic",
        }
    }

    /// The engine of an id, or of a usual other name.
    pub fn named(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        let found = match name.as_str() {
            "openai-compatible" | "compatible" => Self::Generic,
            "llama.cpp" | "llamacpp" | "llama-cpp" => Self::LlamaServer,
            "tensorrt-llm" | "trt-llm" | "tensorrtllm" => Self::TrtLlm,
            "text-generation-inference" => Self::Tgi,
            "tritonserver" | "kserve" => Self::Triton,
            "transformers-serve" | "hf" => Self::Transformers,
            id => return Self::ALL.into_iter().find(|adapter| adapter.id() == id),
        };
        Some(found)
    }

    /// The API that is called where none is named.
    pub fn default_api(self) -> Api {
        match self {
            Self::Ollama => Api::OllamaChat,
            Self::Triton => Api::TritonGenerate,
            Self::Tgi => Api::TgiGenerate,
            Self::Generic
            | Self::OpenAi
            | Self::Vllm
            | Self::Sglang
            | Self::LlamaServer
            | Self::Lmdeploy
            | Self::TrtLlm
            | Self::Litellm
            | Self::Nim
            | Self::Transformers => Api::Chat,
            Self::Anthropic => Api::Messages,
        }
    }

    /// Whether it may speak the API: an engine's own is spoken by itself, by what is modelled on it, and by whatever
    /// stands behind Triton. Of the others each server says itself.
    pub fn speaks(self, api: Api) -> bool {
        match api.engine() {
            None => true,
            Some(Self::Triton) => {
                matches!(self, Self::Generic | Self::Triton | Self::Vllm | Self::TrtLlm | Self::Nim)
            }
            Some(Self::Ollama) => matches!(self, Self::Generic | Self::Ollama | Self::Sglang | Self::Litellm),
            Some(engine) => self == Self::Generic || self == engine,
        }
    }

    /// What it takes beyond an API's own fields. The engines' own APIs have fewer, under names of their own.
    pub fn fields_in(self, api: Api) -> Fields {
        let fields = self.fields();
        match api.engine() {
            None => fields,
            Some(Self::Sglang) => Fields {
                ignore_eos: fields.ignore_eos,
                min_tokens: Some("min_new_tokens"),
                ..Fields::default()
            },
            Some(Self::LlamaServer) => Fields { ignore_eos: fields.ignore_eos, ..Fields::default() },
            // The vLLM backend passes its sampling parameters on.
            Some(Self::Triton) if self == Self::Vllm => Fields { continuous_usage: false, ..fields },
            Some(_) => Fields::default(),
        }
    }

    /// What it takes beyond the API's own fields (engine documentation and captures of their versions in tests/fixtures/wire).
    pub fn fields(self) -> Fields {
        let exact = Fields { ignore_eos: true, min_tokens: Some("min_tokens"), ..Fields::default() };
        match self {
            Self::Generic | Self::Litellm | Self::Nim => exact,
            Self::Vllm | Self::Sglang | Self::TrtLlm => Fields { continuous_usage: true, ..exact },
            Self::Lmdeploy => Fields { min_tokens: Some("min_new_tokens"), ..exact },
            Self::LlamaServer => Fields { ignore_eos: true, ..Fields::default() },
            Self::OpenAi => Fields { max_completion_tokens: true, ..Fields::default() },
            Self::Ollama | Self::Tgi | Self::Triton | Self::Transformers | Self::Anthropic => {
                Fields::default()
            }
        }
    }

    /// The engine of a container image or a command line, by the names in it.
    pub fn of_start(text: &str) -> Option<Self> {
        const NAMES: [(&str, Adapter); 14] = [
            ("litellm", Adapter::Litellm),
            ("vllm", Adapter::Vllm),
            ("sglang", Adapter::Sglang),
            ("llama-server", Adapter::LlamaServer),
            ("llama.cpp", Adapter::LlamaServer),
            ("ollama", Adapter::Ollama),
            ("lmdeploy", Adapter::Lmdeploy),
            ("trtllm-serve", Adapter::TrtLlm),
            ("tensorrt-llm", Adapter::TrtLlm),
            ("text-generation-inference", Adapter::Tgi),
            ("text-generation-launcher", Adapter::Tgi),
            ("tritonserver", Adapter::Triton),
            ("nvcr.io/nim/", Adapter::Nim),
            ("transformers serve", Adapter::Transformers),
        ];
        let text = text.to_ascii_lowercase();
        NAMES.into_iter().find(|(name, _)| text.contains(name)).map(|(_, adapter)| adapter)
    }

    /// Who answers like this; none where nothing tells.
    pub fn recognised(clues: &Clues) -> Option<Self> {
        let Clues { server, headers, models, root, v2, info } = clues;
        let says = |text: &Option<String>, word: &str| {
            text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains(word))
        };
        // Only answers of models have its headers; its root is a page of its API's description.
        let named = headers.iter().any(|name| name.to_ascii_lowercase().starts_with("x-litellm"));
        if named || says(root, "<title>litellm") {
            return Some(Self::Litellm);
        }
        if says(server, "llama.cpp") {
            return Some(Self::LlamaServer);
        }
        if says(root, "ollama is running") {
            return Some(Self::Ollama);
        }
        if says(v2, "\"triton\"") {
            return Some(Self::Triton);
        }
        if says(info, "docker_label") || says(info, "text-generation-inference") {
            return Some(Self::Tgi);
        }
        match owner(models.as_deref()?)?.to_ascii_lowercase().as_str() {
            "vllm" => Some(Self::Vllm),
            "sglang" => Some(Self::Sglang),
            "llamacpp" => Some(Self::LlamaServer),
            "lmdeploy" => Some(Self::Lmdeploy),
            "tensorrt_llm" | "tensorrt-llm" => Some(Self::TrtLlm),
            "library" => Some(Self::Ollama),
            "anthropic" => Some(Self::Anthropic),
            owner if owner.starts_with("openai-internal") || owner == "system" => Some(Self::OpenAi),
            _ => None,
        }
    }
}

/// The owner of the first model that is listed.
fn owner(models: &str) -> Option<String> {
    let models: Value = serde_json::from_str(models).ok()?;
    let list = models.get("data").unwrap_or(&models).as_array()?;
    Some(list.first()?.get("owned_by")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_is_found_by_its_id() {
        assert_eq!(Adapter::ALL.map(Adapter::id).as_slice(), Adapter::IDS);
        for adapter in Adapter::ALL {
            assert_eq!(Adapter::named(adapter.id()), Some(adapter));
        }
        assert_eq!(Adapter::named("TensorRT_LLM"), Some(Adapter::TrtLlm));
        assert_eq!(Adapter::named("nobody"), None);
    }

    #[test]
    fn servers_are_known_by_what_they_answer() {
        let models = |owner: &str| Clues {
            models: Some(format!(r#"{{"data":[{{"id":"m","owned_by":"{owner}"}}]}}"#)),
            ..Clues::default()
        };
        assert_eq!(Adapter::recognised(&models("vllm")), Some(Adapter::Vllm));
        assert_eq!(Adapter::recognised(&models("somebody")), None);
        let server = Clues { server: Some("llama.cpp".to_owned()), ..models("x") };
        assert_eq!(Adapter::recognised(&server), Some(Adapter::LlamaServer));
        let proxy = Clues { headers: vec!["x-litellm-version".to_owned()], ..models("vllm") };
        assert_eq!(Adapter::recognised(&proxy), Some(Adapter::Litellm));
        // Version 1.106.
        let page = "<!DOCTYPE html>\n<title>LiteLLM API - Swagger UI</title>".to_owned();
        let proxy = Clues { root: Some(page), ..models("openai") };
        assert_eq!(Adapter::recognised(&proxy), Some(Adapter::Litellm));
        let triton = Clues { v2: Some(r#"{"name":"triton"}"#.to_owned()), ..Clues::default() };
        assert_eq!(Adapter::recognised(&triton), Some(Adapter::Triton));
        assert_eq!(Adapter::recognised(&Clues::default()), None);
    }

    #[test]
    fn engines_speak_their_own_apis_and_those_they_stand_behind() {
        for adapter in Adapter::ALL {
            assert!(adapter.speaks(adapter.default_api()), "{adapter:?}");
        }
        assert!(Adapter::TrtLlm.speaks(Api::KserveGrpc));
        assert!(Adapter::Sglang.speaks(Api::OllamaChat));
        assert!(!Adapter::Vllm.speaks(Api::TgiGenerate));
        assert!(!Adapter::Ollama.speaks(Api::TritonGenerate));
        // Exact lengths: under other names, through others, or not at all.
        let exact = |adapter: Adapter, api| adapter.fields_in(api).min_tokens;
        assert_eq!(exact(Adapter::Sglang, Api::SglangGenerate), Some("min_new_tokens"));
        assert_eq!(exact(Adapter::Vllm, Api::TritonGenerate), Some("min_tokens"));
        assert_eq!(exact(Adapter::TrtLlm, Api::TritonGenerate), None);
        assert_eq!(exact(Adapter::TrtLlm, Api::Chat), Some("min_tokens"));
    }

    #[test]
    fn what_is_started_names_its_engine() {
        assert_eq!(Adapter::of_start("vllm/vllm-openai:v0.11.0"), Some(Adapter::Vllm));
        assert_eq!(Adapter::of_start("python -m sglang.launch_server"), Some(Adapter::Sglang));
        assert_eq!(Adapter::of_start("./serve.sh"), None);
    }
}
