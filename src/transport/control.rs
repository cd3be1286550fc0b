//! Questions to the server outside the measured path: which models it has, whether it is there.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Response};

use super::address::Address;
use super::options::{HttpError, HttpOptions, headers};
use super::tls::{self, TlsError};
use crate::base::{Hint, Nanos};
use crate::host::RealClock;
use crate::protocol::models::Listing;
use crate::record::Failure;

/// A patient client for single questions.
pub struct Control {
    client: Client,
    address: Address,
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("cannot reach {url}: {why}")]
    Unreachable { url: String, why: String, address: Address },
    #[error("{url} answered {status}: {detail}")]
    Refused { url: String, status: u16, detail: String },
    #[error("{url} answered something else than {wanted}: {why}")]
    Unexpected { url: String, wanted: &'static str, why: String },
    #[error(transparent)]
    Options(#[from] HttpError),
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
}

impl From<TlsError> for ControlError {
    fn from(error: TlsError) -> Self {
        Self::Options(HttpError::Tls(error))
    }
}

impl ControlError {
    /// What the user can do about it.
    pub fn hint(&self) -> Hint {
        Hint::new(match self {
            Self::Unreachable { why, .. } if why.contains("certificate") => {
                "trust the server's authority with --cacert FILE, or skip the check with --insecure".to_owned()
            }
            Self::Unreachable { address, .. } if address.is_loopback() => format!(
                "is a server listening on {}? From inside a container, localhost is the container itself. \
                 To try without a server: --server sim:h100-8b",
                address.authority()
            ),
            Self::Unreachable { .. } => "check the address, the port and the network path; --insecure or --cacert help with \
                 private certificates; to try without a server: --server sim:h100-8b"
                .to_owned(),
            Self::Refused { status: 401 | 403, .. } => {
                "give a key with --api-key, or set OPENAI_API_KEY".to_owned()
            }
            Self::Refused { status: 404, .. } => {
                "is --api or --adapter the server's? Give its base URL without /v1/…, and name the model with --model"
                    .to_owned()
            }
            Self::Refused { .. } => "look into the server's log".to_owned(),
            Self::Unexpected { .. } => "is --api or --adapter the server's? Name the model with --model".to_owned(),
            Self::Options(_) | Self::Client(_) => "check --header, --api-key, --cacert and --insecure".to_owned(),
        })
    }
}

/// What a list of models said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelsAnswer {
    pub body: String,
    /// The `Server` header.
    pub server: Option<String>,
}

/// An answer to a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Looked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub status: u16,
    /// When its headers had been read.
    pub headers: Nanos,
    pub reads: Vec<(Nanos, Vec<u8>)>,
    pub ended: Nanos,
    /// Whether the body ended properly.
    pub end: Result<(), String>,
}

/// Enough of any answer that is looked at.
const LOOK_MAX: usize = 256 * 1024;
/// A page that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Of the last of the redirects that were followed.
    pub status: u16,
    pub body: String,
}

/// How something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    Post,
    Put,
}

/// A server that is ready answers such a question at once.
const LOOK: Duration = Duration::from_secs(3);
/// Enough for any list of models, too little for a joke.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

impl Control {
    pub fn new(options: &HttpOptions) -> Result<Self, ControlError> {
        let tls = tls::config(&options.tls)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls.as_ref().clone())
            .default_headers(without_host(headers(options)?))
            .connect_timeout(options.connect_timeout.into())
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .redirect(Policy::custom(nearby))
            .build()
            .map_err(|error| ControlError::Client(chain(&error)))?;
        Ok(Self { client, address: options.address.clone() })
    }

    /// The status that a URL of the server answers, asked with patience for one look.
    pub async fn status(&self, url: &str) -> Result<u16, String> {
        let request = self.client.get(url).timeout(LOOK);
        request.send().await.map(|response| response.status().as_u16()).map_err(|error| chain(&error))
    }

    /// What a path of the server answers, asked with patience for one look. Of a long body only the beginning is read.
    pub async fn look(&self, path: &str) -> Result<Looked, String> {
        let url = format!("{}{path}", self.address.url());
        let asked = self.client.get(url).timeout(LOOK).send().await;
        let mut response = asked.map_err(|error| chain(&error))?;
        let named = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(named).collect();
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while bytes.len() < LOOK_MAX
            && let Some(part) = response.chunk().await.map_err(|error| chain(&error))?
        {
            bytes.extend_from_slice(&part);
        }
        Ok(Looked { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Sends one request and keeps its answer read by read, each with the instant since the first byte was sent. Of a long answer only
    /// the beginning is kept, and the rest is not awaited.
    pub async fn converse(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Heard, String> {
        let url = format!("{}{path}", self.address.url());
        let mut request = self.client.post(url).timeout(patience).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let clock = RealClock::start();
        let mut response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let mut heard =
            Heard { status, headers: clock.now(), reads: Vec::new(), ended: clock.now(), end: Ok(()) };
        let mut kept = 0;
        while kept < ANSWER_MAX {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    kept += bytes.len();
                    heard.reads.push((clock.now(), bytes.to_vec()));
                }
                Ok(None) => break,
                Err(error) => {
                    heard.end = Err(chain(&error));
                    break;
                }
            }
        }
        heard.ended = clock.now();
        Ok(heard)
    }

    /// A page of at most `most` bytes, asked with patience for one look; up to ten redirects are followed, none to another server. The error is one line.
    pub async fn page(&self, url: &str, most: usize) -> Result<Answer, String> {
        let response = self.client.get(url).timeout(LOOK).send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let bytes = body_of(response, most).await.map_err(|error| chain(&error))?;
        let bytes = bytes.ok_or_else(|| format!("its page has more than {} MiB", most >> 20))?;
        Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Sends a body to a path of the server, and reads its answer. The error is one line.
    pub async fn send(
        &self,
        (method, path): (Sending, &str),
        query: &[(&str, &str)],
        (kind, body): (&'static str, Vec<u8>),
        patience: Duration,
    ) -> Result<Answer, String> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.address.url()))
            .map_err(|error| error.to_string())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = match method {
            Sending::Post => self.client.post(url),
            Sending::Put => self.client.put(url),
        };
        let request = request.header(CONTENT_TYPE, kind).timeout(patience).body(body);
        let response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let bytes = body_of(response, ANSWER_MAX).await.map_err(|error| chain(&error))?;
        let bytes = bytes.ok_or_else(|| "its answer is too long".to_owned())?;
        Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// The list of models, as text.
    pub async fn models(&self, listing: Listing) -> Result<ModelsAnswer, ControlError> {
        let url = format!("{}{}", self.address.url(), listing.path());
        let request =
            if listing.is_posted() { self.client.post(&url).body("{}") } else { self.client.get(&url) };
        let unreachable = |error: &reqwest::Error| ControlError::Unreachable {
            url: self.address.url(),
            why: chain(error),
            address: self.address.clone(),
        };
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        let server = response.headers().get(SERVER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(bytes) = body_of(response, ANSWER_MAX).await.map_err(|error| unreachable(&error))? else {
            return Err(ControlError::Unexpected {
                url,
                wanted: "a list of models",
                why: "too long".to_owned(),
            });
        };
        let body = String::from_utf8_lossy(&bytes).into_owned();
        if !(200..300).contains(&status) {
            let detail = Failure::new(crate::record::FailureClass::Http4xx, body).detail;
            return Err(ControlError::Refused { url, status, detail });
        }
        Ok(ModelsAnswer { body, server })
    }
}

/// A redirect is followed on the server that was named and nowhere else: where it leads may be no place for us.
fn nearby(attempt: Attempt<'_>) -> Action {
    const MOST: usize = 10;
    let place = |url: &reqwest::Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
    let same = attempt.previous().first().is_some_and(|first| place(first) == place(attempt.url()));
    if same && attempt.previous().len() <= MOST { attempt.follow() } else { attempt.stop() }
}

/// The whole body; none where it is longer than `most`.
async fn body_of(mut response: Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await? {
        bytes.extend_from_slice(&part);
        if bytes.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// The client writes its own `Host` header.
fn without_host(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(reqwest::header::HOST);
    headers
}

/// An error and what lies beneath it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.pop().unwrap_or_else(|| error.to_string())
}
