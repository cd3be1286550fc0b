//! Triton's `generate`, `generate_stream` and `KServe`'s `infer`, as JSON, of a model with `text_input` and `text_output`.

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::MAX_TOKENS_DEFAULT;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::Prompt;
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, event, text};
use crate::simulator::model::SimSpec;

/// The version of every model here.
pub(in crate::simulator::http) const MODEL_VERSION: &str = "1";

/// A request to the model, however its tensors travelled.
#[derive(Debug, Default)]
pub(in crate::simulator::http) struct Inference {
    pub text: Option<String>,
    pub max_tokens: Option<i64>,
    pub stream: bool,
}

#[derive(Deserialize)]
struct Generate {
    text_input: Option<Value>,
    max_tokens: Option<i64>,
    stream: Option<bool>,
    /// The vLLM backend's: a JSON object as text.
    sampling_parameters: Option<String>,
}

#[derive(Deserialize)]
struct Infer {
    id: Option<String>,
    #[serde(default)]
    inputs: Vec<Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    #[serde(default)]
    data: Value,
}

struct Generated {
    model: String,
    salt: u64,
    /// Whether `generate` was asked for many responses, of which it cannot give any.
    many: bool,
}

struct Inferred {
    id: Option<String>,
    model: String,
    salt: u64,
}

/// One JSON object with the whole text.
pub(in crate::simulator::http) fn generate(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let inference = read_generate(asked)?;
    wanted(asked, &inference, false, |model, salt| {
        Box::new(Generated { model, salt, many: inference.stream })
    })
}

/// An event for each token, or one with the whole text where `stream` is false.
pub(in crate::simulator::http) fn generate_stream(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let inference = read_generate(asked)?;
    wanted(asked, &inference, true, |model, salt| Box::new(Generated { model, salt, many: false }))
}

pub(in crate::simulator::http) fn infer(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let Infer { id, inputs } = parsed(asked.body)?;
    let first = |name: &str| {
        let tensor = inputs.iter().find(|tensor| tensor.name == name)?;
        let mut value = &tensor.data;
        while let Value::Array(values) = value {
            value = values.first()?;
        }
        Some(value)
    };
    let inference = Inference {
        text: first("text_input").and_then(Value::as_str).map(str::to_owned),
        max_tokens: first("max_tokens").and_then(Value::as_i64),
        stream: false,
    };
    let mut wanted =
        wanted(asked, &inference, false, |model, salt| Box::new(Inferred { id: id.clone(), model, salt }))?;
    if let Some(id) = id {
        wanted.id = id;
    }
    Ok(wanted)
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Declined> {
    serde_json::from_slice(body).map_err(|error| Declined {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        ..Declined::invalid(format!("failed to parse the request JSON buffer: {error}"))
    })
}

fn read_generate(asked: &Asked<'_>) -> Result<Inference, Declined> {
    let Generate { text_input, max_tokens, stream, sampling_parameters } = parsed(asked.body)?;
    let text = match text_input {
        Some(Value::Array(texts)) => texts.first().and_then(Value::as_str).map(str::to_owned),
        Some(text) => text.as_str().map(str::to_owned),
        None => None,
    };
    let sampling: Option<Value> = sampling_parameters.and_then(|text| serde_json::from_str(&text).ok());
    let sampled = sampling.as_ref().and_then(|sampling| sampling.get("max_tokens"));
    // The backend takes numbers as text, too.
    let sampled = sampled.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok()));
    Ok(Inference { text, max_tokens: max_tokens.or(sampled), stream: stream.unwrap_or(false) })
}

/// Checks an inference and makes it a request; `voice` gets the model's name and the request's number.
pub(in crate::simulator::http) fn wanted(
    asked: &Asked<'_>,
    inference: &Inference,
    stream: bool,
    voice: impl FnOnce(String, u64) -> Box<dyn Voice>,
) -> Result<Wanted, Declined> {
    let model = known_model(asked.spec, asked.path_model)?;
    let Some(text) = &inference.text else {
        return Err(Declined::invalid(format!("expected 1 input tensor 'text_input' for model '{model}'")));
    };
    let prompts = vec![Prompt::of(text)];
    if prompts[0].tokens == 0 {
        return Err(Declined::invalid("the tensor 'text_input' is empty"));
    }
    let max_tokens = bounded(inference.max_tokens, MAX_TOKENS_DEFAULT, asked.room(&prompts))?;
    let number = asked.number();
    let id = format!("triton-{number:016x}");
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning: 0, stream, id, voice: voice(model, number) })
}

/// The model of a path or message; none means the only one.
pub(in crate::simulator::http) fn known_model(
    spec: &SimSpec,
    asked: Option<&str>,
) -> Result<String, Declined> {
    match asked {
        Some(model) if !spec.serves(model) => {
            Err(Declined::unknown_model(format!("Request for unknown model: '{model}' is not found")))
        }
        Some(model) => Ok(model.to_owned()),
        None => Ok(spec.model.clone()),
    }
}

impl Voice for Generated {
    fn tongue(&self) -> Tongue {
        Tongue::Triton
    }

    /// The status is that of the first response.
    fn holds_headers(&self) -> bool {
        true
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        event(&self.said(span.from, span.to))
    }

    fn breaking(&mut self) -> Bytes {
        event(&Declined::broken().told(Tongue::Triton))
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let tokens = ended.first().map_or(0, |ended| ended.tokens);
        if self.many && tokens > 1 {
            let error = "generate expects model to produce exactly 1 response, use generate stream for model that \
                         generates various number of responses";
            return json!({"error": error}).to_string().into();
        }
        self.said(0, tokens).to_string().into()
    }
}

impl Generated {
    fn said(&self, from: u32, to: u32) -> Value {
        json!({"model_name": self.model, "model_version": MODEL_VERSION,
            "text_output": text(self.salt, 0, from, to)})
    }
}

impl Voice for Inferred {
    fn tongue(&self) -> Tongue {
        Tongue::Triton
    }

    /// `infer` answers in one piece only.
    fn tokens(&mut self, _span: Span) -> Bytes {
        Bytes::new()
    }

    fn breaking(&mut self) -> Bytes {
        Declined::broken().told(Tongue::Triton).to_string().into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let tokens = ended.first().map_or(0, |ended| ended.tokens);
        let output = json!({"name": "text_output", "datatype": "BYTES", "shape": [1],
            "data": [text(self.salt, 0, 0, tokens)]});
        let mut whole =
            json!({"model_name": self.model, "model_version": MODEL_VERSION, "outputs": [output]});
        if let Some(id) = &self.id {
            whole["id"] = json!(id);
        }
        whole.to_string().into()
    }
}
