//! The list of models that a server offers: `GET /v1/models`.

use serde_json::Value;

use super::errors;

/// The model names in a `/v1/models` body, in the server's order; the error says what came instead.
pub fn parse(body: &[u8]) -> Result<Vec<String>, String> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| format!("not a JSON list of models ({error}): {}", errors::plain(body)))?;
    // OpenAI wraps the list in `data`; some hosted services send the bare list.
    let list = value.get("data").unwrap_or(&value).as_array();
    let Some(list) = list else {
        return Err(errors::message(&value)
            .unwrap_or_else(|| format!("no list of models in {}", errors::plain(body))));
    };
    let names = list.iter().filter_map(|model| model.get("id")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_what_is_none() {
        let two = r#"{"object":"list","data":[{"id":"a","owned_by":"x"},{"id":"b"},{"name":"c"}]}"#;
        assert_eq!(parse(two.as_bytes()), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(parse(br#"[{"id":"a"}]"#), Ok(vec!["a".to_owned()]));
        assert_eq!(parse(br#"{"data":[]}"#), Ok(vec![]));
        assert_eq!(parse(br#"{"error":"Unauthorized"}"#), Err("Unauthorized".to_owned()));
        insta::assert_snapshot!(parse(b"Internal Server Error").unwrap_err(), @"not a JSON list of models (expected value at line 1 column 1): Internal Server Error");
        insta::assert_snapshot!(parse(br#"{"models":1}"#).unwrap_err(), @r#"no list of models in {"models":1}"#);
    }
}
