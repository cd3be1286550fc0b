//! Errors, in the words of whoever is asked.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::simulator::model::Engine;

/// The kind of an engine that has died.
const BROKEN: &str = "InternalServerError";

/// In whose words an error is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    /// `{"error": {"message", "type", "param", "code"}}`
    Vllm,
    /// The same fields without a cover.
    Flat,
    LlamaServer,
    /// `{"error": "…"}`
    Ollama,
    /// The same with other words.
    Triton,
    Tgi,
    Anthropic,
}

/// An error answer, before anyone's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declined {
    pub status: StatusCode,
    pub kind: &'static str,
    pub param: Option<&'static str>,
    pub message: String,
}

impl Tongue {
    /// Of the engine itself, for what no API has a say in.
    pub(super) fn of(engine: Option<Engine>) -> Self {
        match engine {
            None | Some(Engine::Vllm) => Self::Vllm,
            Some(Engine::Sglang | Engine::TrtLlm) => Self::Flat,
            Some(Engine::LlamaServer) => Self::LlamaServer,
            Some(Engine::Ollama) => Self::Ollama,
            Some(Engine::Triton) => Self::Triton,
            Some(Engine::Tgi) => Self::Tgi,
            Some(Engine::Anthropic) => Self::Anthropic,
        }
    }
}

impl Declined {
    pub(super) fn bad(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "BadRequestError", param, message: message.into() }
    }

    /// A wrong request of which no field is named.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::bad(None, message)
    }

    pub(super) fn unknown_model(message: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, kind: "NotFoundError", param: Some("model"), message }
    }

    /// vLLM's answer when its engine has died.
    pub(super) fn broken() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: BROKEN,
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

    /// The body in the words of `tongue`. Messages that vLLM alone would say are replaced by the other's own.
    pub(super) fn told(&self, tongue: Tongue) -> Value {
        let Self { status, kind, param, message } = self;
        let code = status.as_u16();
        match tongue {
            Tongue::Vllm => {
                json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
            }
            Tongue::Flat => {
                json!({"object": "error", "message": message, "type": kind, "param": param, "code": code})
            }
            Tongue::LlamaServer => {
                let (kind, message) = match code {
                    400 => ("invalid_request_error", message.as_str()),
                    404 => ("not_found_error", message.as_str()),
                    429 | 503 => ("unavailable_error", "Loading model"),
                    _ => ("server_error", message.as_str()),
                };
                json!({"error": {"code": code, "message": message, "type": kind}})
            }
            Tongue::Ollama => {
                let message = match code {
                    429 | 503 => "server busy, please try again.  maximum pending requests exceeded",
                    500.. => "llama runner process has terminated: exit status 2",
                    _ => message,
                };
                json!({"error": message})
            }
            Tongue::Triton => {
                let message = match code {
                    429 | 503 => "Exceeds maximum queue size",
                    _ if *kind == BROKEN => "Stub process is not healthy.",
                    _ => message,
                };
                json!({"error": message})
            }
            Tongue::Tgi => {
                let (kind, message) = match code {
                    429 => ("overloaded", "Model is overloaded"),
                    503 => ("unhealthy", "unhealthy"),
                    400..=499 => ("validation", message.as_str()),
                    _ => ("generation", message.as_str()),
                };
                json!({"error": message, "error_type": kind})
            }
            Tongue::Anthropic => {
                let (kind, message) = match code {
                    400 => ("invalid_request_error", message.as_str()),
                    401 => ("authentication_error", message.as_str()),
                    404 => ("not_found_error", message.as_str()),
                    429 => ("rate_limit_error", "This request would exceed your rate limit."),
                    503 | 529 => ("overloaded_error", "Overloaded"),
                    _ => ("api_error", "Internal server error"),
                };
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
        }
    }

    /// The whole answer in the words and with the status of `tongue`.
    pub(super) fn respond(&self, tongue: Tongue) -> Response<Body> {
        let status = match (tongue, self.status) {
            // What each sends where vLLM says 400: TGI validates with 422, Anthropic has a status for overload.
            (Tongue::Tgi, StatusCode::BAD_REQUEST) => StatusCode::UNPROCESSABLE_ENTITY,
            (Tongue::Anthropic, StatusCode::SERVICE_UNAVAILABLE) => {
                StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
            }
            // Their queues know no rate limit.
            (Tongue::Ollama | Tongue::Triton | Tongue::LlamaServer, StatusCode::TOO_MANY_REQUESTS) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            (_, status) => status,
        };
        let mut response = answer(status, Self { status, ..self.clone() }.told(tongue).to_string());
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, json: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
