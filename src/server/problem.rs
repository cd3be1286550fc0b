//! Errors of the API as they travel: a status, a sentence, the next step; the frame adds the request's id.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::service::Refusal;
use crate::app::{AppError, Side};
use crate::document::v1::service::ProblemDocument;
use crate::store::DatabaseError;

/// What is wrong with a request, or with this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
    pub(super) field: Option<String>,
    /// Seconds after which it is worth trying again.
    pub(super) retry_after: Option<u64>,
}

pub(super) type Answer = Result<Response, Problem>;

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), hint: None, field: None, retry_after: None }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A value that cannot be used, by the name under which it was given.
    pub(super) fn of(field: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// A fault of ours that nobody can mend from outside.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            .hint("look into this server's log for the request's id")
    }

    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    #[must_use]
    pub(super) fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// What a bare status says.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this path",
            StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            StatusCode::REQUEST_TIMEOUT => "the body did not arrive in time",
            StatusCode::UPGRADE_REQUIRED => "this path speaks WebSocket only",
            _ => "the request cannot be answered",
        };
        let problem = Self::new(status, detail);
        match status {
            StatusCode::NOT_FOUND => problem.hint("GET /api/v1/openapi.json lists every path"),
            _ => problem,
        }
    }

    pub(super) fn document(self, request: &str) -> ProblemDocument {
        let Self { status, detail, hint, field, retry_after: _ } = self;
        ProblemDocument {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail,
            hint,
            field,
            request: request.to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    /// Without a body: the frame writes it, because it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let Refusal { field, message, hint } = refusal;
        Self { hint, field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, message) }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let AppError { side, message, hint } = error;
        let status = match side {
            Side::Usage => StatusCode::UNPROCESSABLE_ENTITY,
            Side::Environment => StatusCode::BAD_GATEWAY,
            Side::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { hint: hint.map(|hint| hint.0), ..Self::new(status, message) }
    }
}

/// Seconds that a database that is locked or away is given.
const DATABASE_AGAIN: u64 = 5;

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        let (message, hint) = (error.to_string(), error.hint().0);
        let problem = match error {
            DatabaseError::Missing { .. } => Self::missing(message),
            DatabaseError::Taken { .. } => Self::conflict(message),
            DatabaseError::Cursor { .. } => Self::of("after", message),
            DatabaseError::Row { .. } | DatabaseError::Document(_) | DatabaseError::Instant { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
            }
            // Everything else is this server's own trouble, which passes or is repaired.
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, message).after(DATABASE_AGAIN),
        };
        problem.hint(hint)
    }
}
