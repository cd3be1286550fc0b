//! The one way to GitHub's API: bounded waits, bounded answers, errors without the token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use octocrab::Octocrab;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::error::{Call, GitHubError, Method, Need, Trouble};
use super::event::Repository;
use super::refusal::{self, Refusal};
use super::words::{encoded, innermost, line};
use crate::base::Secret;
use crate::host;

/// A repository on GitHub, ready to be asked.
pub struct GitHub {
    crab: Octocrab,
    /// The base of the API, without a slash at its end.
    base: String,
    pub(super) repository: Repository,
    token: Secret,
    only_reads: bool,
    patience: Patience,
    waited_s: Mutex<u64>,
}

/// How long GitHub may keep us waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// In seconds, for all pauses and unanswered requests together; a request that is under way may end.
    pub budget_s: u64,
    /// How long a second of waiting takes; tests make it short.
    pub second: Duration,
}

/// A report must not hold a job up for longer than this; the gate's own work is done by then.
impl Default for Patience {
    fn default() -> Self {
        Self { budget_s: 60, second: Duration::from_secs(1) }
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Whether a further page follows.
    more: bool,
}

/// More than any answer that is read here: a page of a hundred comments of 65,536 characters, four bytes each.
const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// How often something that may be repeated is tried.
pub(super) const TRIES: u32 = 4;

/// Ten thousand comments; a pull request with more is not read to its end.
const PAGES_MAX: u32 = 100;

impl GitHub {
    /// Makes a client for the API at this base, `https://api.github.com` or `https://HOST/api/v3`; asks nothing yet.
    /// It lives on the Tokio runtime that calls this.
    pub fn connect(api_url: &str, repository: &Repository, token: &Secret) -> Result<Self, GitHubError> {
        let setup = |why: &str| GitHubError::Setup(why.to_owned());
        let usable = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable(token.expose()) {
            return Err(setup("the token is empty or has characters that no token has"));
        }
        let no_address = || GitHubError::Setup(format!("'{}' is no address of an API", line(api_url)));
        let base = api_url.trim_end_matches('/').to_owned();
        if !usable(&base) || !(base.starts_with("https://") || base.starts_with("http://")) {
            return Err(no_address());
        }
        // octocrab puts its base before paths that lack it, as GraphQL's does on Enterprise Server; so it only gets the
        // origin, and every address below is whole.
        let origin: String = base.split_inclusive('/').take(3).collect();
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(setup("it needs a Tokio runtime"));
        }
        let crab = Octocrab::builder()
            .base_uri(origin.trim_end_matches('/'))
            .map_err(|_| no_address())?
            .personal_token(token.expose())
            .build_with_reqwest(http()?)
            .map_err(|error| setup(&line(&innermost(&error))))?;
        Ok(Self {
            crab,
            base,
            repository: repository.clone(),
            token: token.clone(),
            only_reads: false,
            patience: Patience::default(),
            waited_s: Mutex::new(0),
        })
    }

    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Whether the token is known to read only, see `Event::only_reads`: refused writes are then explained so.
    #[must_use]
    pub fn with_only_reads(self, only_reads: bool) -> Self {
        Self { only_reads, ..self }
    }

    pub(super) fn get(&self, path: &str, need: Need) -> Call {
        Call::new(Method::Get, self.path(path), need)
    }

    pub(super) fn post(&self, path: &str, need: Need) -> Call {
        Call::new(Method::Post, self.path(path), need)
    }

    pub(super) fn patch(&self, path: &str, need: Need) -> Call {
        Call::new(Method::Patch, self.path(path), need)
    }

    fn path(&self, below: &str) -> String {
        format!("repos/{}/{}/{below}", encoded(&self.repository.owner), encoded(&self.repository.name))
    }

    /// Sends it, and again after a pause where that cannot do anything twice: reads and edits after an outage, anything
    /// that GitHub put off because of a rate limit.
    pub(super) async fn ask(&self, call: &Call, body: Option<&Value>) -> Result<Answer, GitHubError> {
        let address = format!("{}/{}{}", self.base, call.path, call.query);
        self.ask_at(&address, call, body, None).await
    }

    /// The text of a file, as it is.
    pub(super) async fn ask_raw(&self, call: &Call) -> Result<Answer, GitHubError> {
        let address = format!("{}/{}{}", self.base, call.path, call.query);
        self.ask_at(&address, call, None, Some("application/vnd.github.raw+json")).await
    }

    /// The login behind the token. Job tokens and tokens of Apps have no `GET /user`, but everyone is GraphQL's viewer.
    pub(super) async fn login(&self) -> Result<String, GitHubError> {
        let root = self.base.strip_suffix("/v3").unwrap_or(&self.base);
        let call = Call::new(Method::Post, "graphql".to_owned(), Need::ReadPulls);
        let question = serde_json::json!({ "query": "query { viewer { login } }" });
        let answer = self.ask_at(&format!("{root}/graphql"), &call, Some(&question), None).await?;
        let answer: Value = answer.json(&call)?;
        let login = answer.pointer("/data/viewer/login").and_then(Value::as_str);
        login.map(str::to_owned).ok_or_else(|| call.malformed("no viewer"))
    }

    async fn ask_at(
        &self,
        address: &str,
        call: &Call,
        body: Option<&Value>,
        accept: Option<&'static str>,
    ) -> Result<Answer, GitHubError> {
        let mut tried = 0;
        loop {
            if self.is_used_up() {
                return Err(call.failed(Trouble::Unreachable("the time for waiting is used up".to_owned())));
            }
            let began = Instant::now();
            let trouble = match self.once(address, call, body, accept).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            if let Trouble::Unreachable(_) = trouble {
                *self.waited() += began.elapsed().as_secs();
            }
            let repeat_harms = call.method == Method::Post && call.path != "graphql";
            let pause_s = match &trouble {
                // Nothing was done; how often is up to GitHub, for as long as we wait at all.
                Trouble::RateLimited { wait_s } => Some(*wait_s),
                Trouble::Server { .. } | Trouble::Unreachable(_) if !repeat_harms => {
                    tried += 1;
                    (tried < TRIES).then(|| growing(tried))
                }
                _ => None,
            };
            match pause_s {
                Some(pause_s) if self.wait(pause_s).await => {}
                _ => return Err(call.failed(trouble)),
            }
        }
    }

    async fn once(
        &self,
        address: &str,
        call: &Call,
        body: Option<&Value>,
        accept: Option<&'static str>,
    ) -> Result<Answer, Trouble> {
        let unreachable = |error: &dyn std::error::Error| {
            Trouble::Unreachable(line(&self.without_token(&innermost(error))))
        };
        let headers = accept.map(|kind| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(kind))]));
        let response = match call.method {
            Method::Get => self.crab._get_with_headers(address, headers).await,
            Method::Post => self.crab._post(address, body).await,
            Method::Patch => self.crab._patch(address, body).await,
        };
        let response = response.map_err(|error| unreachable(&error))?;
        let mut response = reqwest::Response::from(response.map(reqwest::Body::wrap));
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| unreachable(&error))? {
            bytes.extend_from_slice(&part);
            if bytes.len() > ANSWER_MAX {
                return Err(Trouble::Malformed(format!("longer than {ANSWER_MAX} bytes")));
            }
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        if response.status().is_success() {
            let more = header("link").is_some_and(|link| link.contains("rel=\"next\""));
            return Ok(Answer { bytes, more });
        }
        Err(refusal::trouble(&Refusal {
            status: response.status().as_u16(),
            retry_after: header("retry-after"),
            remaining: header("x-ratelimit-remaining"),
            reset: header("x-ratelimit-reset"),
            now_s: host::epoch().0 / 1_000_000_000,
            message: &refusal::message(&self.without_token(&String::from_utf8_lossy(&bytes))),
            writes: call.method != Method::Get,
            only_reads: self.only_reads,
        }))
    }

    /// Every page of a list.
    pub(super) async fn pages<T: DeserializeOwned>(&self, call: &Call) -> Result<Vec<T>, GitHubError> {
        let mut found = Vec::new();
        for page in 1..=PAGES_MAX {
            let joint = if call.query.is_empty() { '?' } else { '&' };
            let paged =
                Call { query: format!("{}{joint}per_page=100&page={page}", call.query), ..call.clone() };
            let answer = self.ask(&paged, None).await?;
            found.extend(answer.json::<Vec<T>>(call)?);
            if !answer.more {
                return Ok(found);
            }
        }
        Err(call.malformed(format!("more than {PAGES_MAX} pages")))
    }

    /// Posts; when the answer is lost, looks whether it was done before posting again.
    pub(super) async fn post_unless<T>(
        &self,
        call: &Call,
        body: &Value,
        read: impl Fn(Answer) -> Result<T, GitHubError>,
        is_there: impl AsyncFn() -> Result<Option<T>, GitHubError>,
    ) -> Result<T, GitHubError> {
        let mut tried = 0;
        loop {
            let error = match self.ask(call, Some(body)).await {
                Ok(answer) => return read(answer),
                Err(error) => error,
            };
            tried += 1;
            if !error.is_unclear() || tried == TRIES || !self.pause(tried).await {
                return Err(error);
            }
            if let Some(done) = is_there().await? {
                return Ok(done);
            }
        }
    }

    /// A pause before looking at the same thing again; false when the time for waiting is used up.
    pub(super) async fn pause(&self, tried: u32) -> bool {
        self.wait(growing(tried)).await
    }

    pub(super) async fn wait(&self, seconds: u64) -> bool {
        {
            let mut waited = self.waited();
            let after = waited.saturating_add(seconds);
            if after > self.patience.budget_s {
                return false;
            }
            *waited = after;
        }
        tokio::time::sleep(self.patience.second * u32::try_from(seconds).unwrap_or(u32::MAX)).await;
        true
    }

    fn waited(&self) -> MutexGuard<'_, u64> {
        self.waited_s.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_used_up(&self) -> bool {
        *self.waited() > self.patience.budget_s
    }

    /// Nobody else's text brings the token into a log; it is taken out before anything is cut.
    fn without_token(&self, text: &str) -> String {
        text.replace(self.token.expose(), "***")
    }
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, GitHubError> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            // Only where it went wrong: what stood there is somebody else's text.
            call.malformed(format!("line {} column {}", error.line(), error.column()))
        })
    }
}

/// One second, two, four.
fn growing(tried: u32) -> u64 {
    1 << tried.saturating_sub(1).min(5)
}

/// The system's authorities and the environment's proxies; redirects are not followed, so that a write stays a write.
fn http() -> Result<reqwest::Client, GitHubError> {
    let mut roots = RootCertStore::empty();
    // Unreadable system certificates only matter when a handshake fails, which then says so itself.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| GitHubError::Setup(line(&innermost(&error))))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(HeaderMap::from_iter([(
            ACCEPT,
            HeaderValue::from_static("application/vnd.github+json"),
        )]))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(|error| GitHubError::Setup(line(&innermost(&error))))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_github_that_is_silent_is_not_waited_for_again_and_again() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let repository = Repository::parse("o/r").unwrap();
        let github = GitHub::connect(&url, &repository, &Secret::new("t".to_owned())).unwrap();
        let call = github.get("pulls/1", Need::ReadPulls);
        let began = Instant::now();
        for _ in 0..10 {
            assert!(github.ask(&call, None).await.is_err());
        }
        let waited_s = began.elapsed().as_secs();
        assert!((20..=95).contains(&waited_s), "{waited_s} s");
    }
}
