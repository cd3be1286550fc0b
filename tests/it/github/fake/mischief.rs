//! What goes wrong on request.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::repo::Repo;

/// Something that goes wrong with matching requests, a number of times.
pub(crate) struct Mischief {
    pub(crate) method: &'static str,
    /// Part of the decoded path.
    pub(crate) path: &'static str,
    pub(crate) times: u32,
    pub(crate) what: What,
}

#[derive(Clone)]
pub(crate) enum What {
    /// This answer instead of doing it.
    Instead(Answer),
    /// Does it, then gives this answer.
    AfterDoing(Answer),
    /// Does it, then the connection breaks before the answer is whole.
    Lost,
    /// Another writer comes first.
    After(fn(&mut Repo)),
    /// Goes on when so many matching requests are there.
    Together(Arc<Barrier>),
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

impl Mischief {
    pub(crate) fn once(method: &'static str, path: &'static str, what: What) -> Self {
        Self { method, path, times: 1, what }
    }

    pub(crate) fn always(method: &'static str, path: &'static str, what: What) -> Self {
        Self { method, path, times: u32::MAX, what }
    }

    pub(super) fn strikes(&mut self, method: &str, path: &str) -> bool {
        let strikes = self.times > 0 && self.method == method && path.contains(self.path);
        if strikes && self.times != u32::MAX {
            self.times -= 1;
        }
        strikes
    }
}

impl Answer {
    pub(crate) fn new(status: u16, message: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}
