//! The list of models that a server offers, in the words of each API.

use serde_json::Value;

use super::{Adapter, Api, errors};

/// How a server is asked for its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// `GET /v1/models`
    OpenAi,
    /// `GET /api/tags`
    Ollama,
    /// `POST /v2/repository/index`, of Triton's model repository extension.
    Triton,
    /// `GET /info`: there is one model.
    Tgi,
}

impl Listing {
    /// The listing that belongs to an API. Whoever speaks `OpenAI`'s has `OpenAI`'s list.
    pub fn of(api: Api) -> Self {
        match api.engine() {
            Some(Adapter::Ollama) => Self::Ollama,
            Some(Adapter::Triton) => Self::Triton,
            Some(Adapter::Tgi) => Self::Tgi,
            _ => Self::OpenAi,
        }
    }

    /// Path after the base URL.
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/models",
            Self::Ollama => "/api/tags",
            Self::Triton => "/v2/repository/index",
            Self::Tgi => "/info",
        }
    }

    /// Whether it is asked by `POST`, with an empty JSON object.
    pub fn is_posted(self) -> bool {
        self == Self::Triton
    }

    /// The model names in an answer, in the server's order; the error says what came instead.
    pub fn parse(self, body: &[u8]) -> Result<Vec<String>, String> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| format!("not a JSON list of models ({error}): {}", errors::plain(body)))?;
        let names = match self {
            // OpenAI wraps the list in `data`; some hosted services send the bare list.
            Self::OpenAi => named(value.get("data").unwrap_or(&value), "id"),
            Self::Ollama => value.get("models").and_then(|models| named(models, "name")),
            Self::Triton => named(&ready(&value), "name"),
            Self::Tgi => value.get("model_id").and_then(Value::as_str).map(|id| vec![id.to_owned()]),
        };
        names.ok_or_else(|| {
            errors::message(&value).unwrap_or_else(|| format!("no list of models in {}", errors::plain(body)))
        })
    }
}

/// The names in a list, where it is one.
fn named(list: &Value, key: &str) -> Option<Vec<String>> {
    let names = list.as_array()?.iter().filter_map(|model| model.get(key)?.as_str());
    Some(names.map(str::to_owned).collect())
}

/// Without the models that are not loaded: their state is another one, or missing.
fn ready(index: &Value) -> Value {
    let is_ready = |model: &&Value| model.get("state").and_then(Value::as_str) == Some("READY");
    match index.as_array() {
        Some(models) => models.iter().filter(is_ready).cloned().collect(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_what_is_none() {
        let parse = |body: &[u8]| Listing::OpenAi.parse(body);
        let two = r#"{"object":"list","data":[{"id":"a","owned_by":"x"},{"id":"b"},{"name":"c"}]}"#;
        assert_eq!(parse(two.as_bytes()), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(parse(br#"[{"id":"a"}]"#), Ok(vec!["a".to_owned()]));
        assert_eq!(parse(br#"{"data":[]}"#), Ok(vec![]));
        assert_eq!(parse(br#"{"error":"Unauthorized"}"#), Err("Unauthorized".to_owned()));
        insta::assert_snapshot!(parse(b"Internal Server Error").unwrap_err(), @"not a JSON list of models (expected value at line 1 column 1): Internal Server Error");
        insta::assert_snapshot!(parse(br#"{"models":1}"#).unwrap_err(), @r#"no list of models in {"models":1}"#);
    }

    #[test]
    fn every_engine_lists_in_its_own_way() {
        for (api, body, names) in [
            (
                Api::OllamaChat,
                r#"{"models":[{"name":"llama3:8b","model":"llama3:8b","size":1}]}"#,
                &["llama3:8b"][..],
            ),
            (
                Api::TritonGenerate,
                r#"[{"name":"a","version":"1","state":"READY"},{"name":"b","state":"UNAVAILABLE","reason":"unloaded"},{"name":"c"}]"#,
                &["a"],
            ),
            (Api::TgiGenerate, r#"{"model_id":"org/m","docker_label":"x"}"#, &["org/m"]),
            (Api::SglangGenerate, r#"{"data":[{"id":"m"}]}"#, &["m"]),
        ] {
            assert_eq!(Listing::of(api).parse(body.as_bytes()).unwrap(), names);
        }
        assert_eq!((Listing::Triton.path(), Listing::Triton.is_posted()), ("/v2/repository/index", true));
        assert_eq!(Listing::Ollama.parse(br#"{"error":"no"}"#), Err("no".to_owned()));
        assert!(Listing::Tgi.parse(b"{}").is_err());
        assert!(Listing::Triton.parse(br#"{"a":1}"#).is_err());
    }
}
