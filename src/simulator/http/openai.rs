//! Requests as vLLM reads them, and its words for those it declines.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::prompt::Prompt;
use crate::simulator::model::SimSpec;

/// Output tokens for those who ask for no number.
const MAX_TOKENS_DEFAULT: u32 = 128;

/// The two ways of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Completions,
}

impl Api {
    /// What ids begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Chat => "chatcmpl",
            Self::Completions => "cmpl",
        }
    }
}

/// A request that the server accepts.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The model or adapter that was named; none means the only model.
    pub model: Option<String>,
    pub prompt: Prompt,
    pub max_tokens: u32,
    pub stream: bool,
    pub usage: UsageWish,
}

/// How much usage a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageWish {
    None,
    AtEnd,
    OnEveryChunk,
}

/// An error answer: a status and vLLM's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Declined {
    pub status: StatusCode,
    pub kind: &'static str,
    pub param: Option<&'static str>,
    pub message: String,
}

/// Every field that the simulator understands; vLLM accepts unknown ones silently, and so does this.
#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    prompt: Option<PromptField>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<i64>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PromptField {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

/// Reads and checks a request's body.
pub(super) fn read(api: Api, body: &[u8], spec: &SimSpec) -> Result<Wanted, Declined> {
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        Declined::bad(None, format!("1 validation error:\n  {{'type': 'json_invalid', 'msg': '{error}'}}"))
    })?;
    if let Some(model) = request.model.as_ref().filter(|model| !spec.serves(model)) {
        return Err(Declined {
            status: StatusCode::NOT_FOUND,
            kind: "NotFoundError",
            param: Some("model"),
            message: format!("The model `{model}` does not exist. Valid aliases: {}.", spec.model),
        });
    }
    let model = request.model.clone();
    let stream = request.stream.unwrap_or(false);
    if request.stream_options.is_some() && !stream {
        let message = "Stream options can only be defined when `stream=True`. (parameter=stream_options)";
        return Err(Declined::bad(Some("stream_options"), message));
    }
    if let Some(n) = request.n.filter(|n| *n != 1) {
        let message =
            format!("the simulator answers with one choice only, got n={n}. (parameter=n, value={n})");
        return Err(Declined::bad(Some("n"), message));
    }
    let usage = usage_wish(request.stream_options.as_ref(), spec);
    let asked = request.max_completion_tokens.or(request.max_tokens);
    let prompt = prompt_of(api, request)?;
    let max_tokens = max_tokens(asked, prompt.tokens, spec.profile.context)?;
    Ok(Wanted { model, prompt, max_tokens, stream, usage })
}

fn usage_wish(options: Option<&StreamOptions>, spec: &SimSpec) -> UsageWish {
    let on = |flag: Option<bool>| flag.unwrap_or(false);
    match options {
        Some(options) if spec.usage && on(options.include_usage) => {
            if on(options.continuous_usage_stats) {
                UsageWish::OnEveryChunk
            } else {
                UsageWish::AtEnd
            }
        }
        _ => UsageWish::None,
    }
}

fn prompt_of(api: Api, request: Request) -> Result<Prompt, Declined> {
    let mut prompt = Prompt::default();
    let missing = |field: &'static str| {
        Declined::bad(
            Some(field),
            format!(
                "1 validation error:\n  {{'type': 'missing', 'loc': 'body.{field}', 'msg': 'Field required'}}"
            ),
        )
    };
    match api {
        Api::Chat => {
            for message in request.messages.ok_or_else(|| missing("messages"))? {
                match message.content {
                    Some(Content::Text(text)) => prompt.read(&text),
                    Some(Content::Parts(parts)) => {
                        parts
                            .iter()
                            .filter_map(|part| part.text.as_deref())
                            .for_each(|text| prompt.read(text));
                    }
                    None => {}
                }
            }
        }
        Api::Completions => match request.prompt.ok_or_else(|| missing("prompt"))? {
            PromptField::Text(text) => prompt.read(&text),
            PromptField::Texts(texts) if texts.len() <= 1 => texts.iter().for_each(|text| prompt.read(text)),
            PromptField::Texts(_) => {
                return Err(Declined::bad(Some("prompt"), "the simulator answers one prompt per request"));
            }
            PromptField::Tokens(ids) => ids.iter().for_each(|id| prompt.token(&id.to_le_bytes())),
        },
    }
    if prompt.tokens == 0 {
        return Err(Declined::bad(Some("input_tokens"), "The decoder prompt cannot be empty"));
    }
    Ok(prompt)
}

fn max_tokens(asked: Option<i64>, prompt: usize, context: u32) -> Result<u32, Declined> {
    let room = context.saturating_sub(u32::try_from(prompt).unwrap_or(u32::MAX));
    match asked {
        Some(asked) if asked < 1 => Err(Declined::bad(
            Some("max_tokens"),
            format!("max_tokens must be at least 1, got {asked}. (parameter=max_tokens, value={asked})"),
        )),
        Some(asked) if asked > i64::from(context) => Err(Declined::bad(
            Some("max_tokens"),
            format!(
                "max_tokens={asked} cannot be greater than max_model_len={context}. Please request fewer output \
                 tokens. (parameter=max_tokens, value={asked})"
            ),
        )),
        Some(asked) if asked <= i64::from(room) => Ok(asked as u32),
        None if room > 0 => Ok(room.min(MAX_TOKENS_DEFAULT)),
        asked => {
            let output = asked.unwrap_or(1);
            Err(Declined::bad(
                Some("input_tokens"),
                format!(
                    "This model's maximum context length is {context} tokens. However, you requested {output} output \
                     tokens and your prompt contains {prompt} input tokens, for a total of {} tokens. Please reduce \
                     the length of the input prompt or the number of requested output tokens. \
                     (parameter=input_tokens, value={prompt})",
                    output.saturating_add_unsigned(prompt as u64)
                ),
            ))
        }
    }
}

impl Declined {
    pub(super) fn bad(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "BadRequestError", param, message: message.into() }
    }

    /// vLLM's answer when its engine has died.
    pub(super) fn broken() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "InternalServerError",
            param: None,
            message: "EngineCore encountered an issue. See stack trace (above) for the root cause."
                .to_owned(),
        }
    }

    /// vLLM's answer at its admission limit.
    pub(super) fn busy(status: StatusCode) -> Self {
        let message = "The engine is currently busy and cannot accept new requests. \
                       Please try again later or on a different instance.";
        let kind =
            if status == StatusCode::TOO_MANY_REQUESTS { "Too Many Requests" } else { "Service Unavailable" };
        Self { status, kind, param: None, message: message.to_owned() }
    }

    pub(super) fn to_json(&self) -> String {
        let Self { status, kind, param, message } = self;
        json!({"error": {"message": message, "type": kind, "param": param, "code": status.as_u16()}})
            .to_string()
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = answer(self.status, self.to_json());
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let one_second = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, one_second);
        }
        response
    }
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, json: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
