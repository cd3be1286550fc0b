//! The servers of a run in a file: where they were and how they were started, without secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LaunchDocument;
use super::plan::is_off;
use crate::config::{BaselineServer, Target};
use crate::workload::UrlStrategy;

/// Where the requests went. Headers by name only, the URL without credentials and query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetDocument {
    pub name: String,
    pub url: String,
    /// Further servers that shared the load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_urls: Vec<String>,
    /// How it was started, where this tool started it; `url` has places that the start filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchDocument>,
    /// `session` where conversations stayed with their server; null: in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_strategy: Option<String>,
    /// Name of the environment variable that held the key.
    pub api_key_env: Option<String>,
    pub header_names: Vec<String>,
    pub insecure: bool,
    pub cacert: Option<String>,
    pub hardware: Option<String>,
}

/// The server that stood beside the target's; all else was the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineServerDocument {
    /// Without credentials and query.
    pub urls: Vec<String>,
    /// Its name for the model, where it differs.
    pub model: Option<String>,
    /// How it was started, where this tool started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchDocument>,
    /// The two servers never ran at the same time.
    #[serde(default, skip_serializing_if = "is_off")]
    pub in_turn: bool,
}

impl From<&Target> for TargetDocument {
    fn from(target: &Target) -> Self {
        let Target {
            name,
            base_urls,
            launch,
            url_strategy,
            api_key_env,
            headers,
            insecure,
            cacert,
            hardware,
            // Whether the GPUs were asked shows in the environment.
            gpu: _,
            nvml: _,
            log: _,
            // What they said, and what was found in them, stands beside the numbers.
            metrics: _,
        } = target;
        let mut urls = base_urls.iter().map(|url| without_credentials(url));
        Self {
            name: name.clone(),
            url: urls.next().unwrap_or_default(),
            more_urls: urls.collect(),
            launch: launch.as_ref().map(LaunchDocument::from),
            url_strategy: (*url_strategy != UrlStrategy::RoundRobin).then(|| url_strategy.id().to_owned()),
            api_key_env: api_key_env.clone(),
            header_names: headers.iter().map(|(name, _)| name.clone()).collect(),
            insecure: *insecure,
            cacert: cacert.as_ref().map(|path| path.display().to_string()),
            hardware: hardware.clone(),
        }
    }
}

impl From<&BaselineServer> for BaselineServerDocument {
    fn from(server: &BaselineServer) -> Self {
        let BaselineServer { base_urls, model, launch, in_turn } = server;
        Self {
            urls: base_urls.iter().map(|url| without_credentials(url)).collect(),
            model: model.clone(),
            launch: launch.as_ref().map(LaunchDocument::from),
            in_turn: *in_turn,
        }
    }
}

/// The URL without `user:password@`, and for http(s) without a query or fragment, which may hold keys.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn urls_lose_their_secrets_and_keep_their_place() {
        for (given, kept) in [
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://user:pa@ss@host:1/base?key=1#x", "https://host:1/base"),
            ("https://host?token=s/e@cret", "https://host"),
            ("sim:h100-8b?regression=ttft:+10%", "sim:h100-8b?regression=ttft:+10%"),
        ] {
            assert_eq!(without_credentials(given), kept);
        }
    }
}
