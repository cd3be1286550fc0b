//! Embeddings: `POST /v1/embeddings`, always whole. A text goes in and numbers come out, which are not looked at.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;

use super::body::{finished, started};
use super::codec::{CallOptions, Codec, Decode, Event};
use super::usage::WireUsage;
use super::whole::{Whole, no_answer, unreadable};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) const EMBEDDINGS: &dyn Codec = &Embeddings;

struct Embeddings;

impl Codec for Embeddings {
    fn api(&self) -> Api {
        Api::Embeddings
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/v1/embeddings".to_owned()
    }

    /// One text to embed; the messages of a list are joined.
    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        let mut body = started(ask, options);
        body.insert("input".to_owned(), json!(ask.prompt.text()));
        finished(body, &options.extra_body, ask)
    }

    /// The API has no streams.
    fn stream(&self) -> Box<dyn Decode> {
        self.whole()
    }

    fn whole(&self) -> Box<dyn Decode> {
        Box::new(Whole::skimmed(read))
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Vec<Embedded<'a>>>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Embedded<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
}

impl Embedded<'_> {
    /// Numbers, or their base64.
    fn is_full(&self) -> bool {
        self.embedding.is_some_and(|embedding| match embedding.get().as_bytes() {
            [b'"', inside @ .., b'"'] => !inside.is_empty(),
            list => serde_json::from_slice::<Vec<IgnoredAny>>(list).is_ok_and(|list| !list.is_empty()),
        })
    }
}

/// A success has an embedding for every text, none of them empty.
fn read(document: &str, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let answer: Answer<'_> = serde_json::from_str(document)
        .map_err(|error| unreadable(document, "a list of embeddings", &error))?;
    let full = |data: &Vec<Embedded<'_>>| !data.is_empty() && data.iter().all(Embedded::is_full);
    if !answer.data.as_ref().is_some_and(full) {
        return Err(no_answer(document, "embedding"));
    }
    if let Some(usage) = &answer.usage {
        sink(Event::Usage(usage.reading()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::told::{Told, cut, decode};
    use crate::record::{Message, Prompt, Usage};

    fn told(body: &str) -> String {
        let (events, end) = decode(EMBEDDINGS.whole(), &cut(body.as_bytes(), &[3, 40]), true);
        let usage = Usage { prompt: Some(6), output: Some(0), cached: None };
        let events = if events == [Told::Usage(usage)] { "6 tokens, " } else { "" };
        format!("{events}{}", end.map_or_else(|failure| failure.to_string(), |()| "ok".to_owned()))
    }

    #[test]
    fn numbers_and_base64_are_answers_and_nothing_is_not() {
        let answer = |data: &str| {
            told(&format!(
                r#"{{"object":"list","data":[{data}],"usage":{{"prompt_tokens":6,"total_tokens":6}}}}"#
            ))
        };
        assert_eq!(
            answer(r#"{"object":"embedding","index":0,"embedding":[0.1,-2e-3,3,4,5,6]}"#),
            "6 tokens, ok"
        );
        assert_eq!(answer(r#"{"embedding":"AACAPw=="},{"embedding":[1]}"#), "6 tokens, ok");
        for none in [
            "",
            r#"{"embedding":[]}"#,
            r#"{"embedding":""}"#,
            r#"{"embedding":null}"#,
            r#"{"embedding":[1]},{}"#,
        ] {
            assert!(answer(none).starts_with("malformed: no embedding in {"), "{none}: {}", answer(none));
        }
        assert_eq!(told(r#"{"error":{"message":"no such model"}}"#), "in_stream_error: no such model");
        assert_eq!(told(r#"{"object":"error","message":"too long"}"#), "in_stream_error: too long");
        insta::assert_snapshot!(told(r#"{"data":[{"embedding":[1,2"#), @r#"malformed: not a list of embeddings (EOF while parsing a list at line 1 column 26): {"data":[{"embedding":[1,2"#);
        assert_eq!(told(""), "malformed: empty response");
        assert_eq!(told("data: {}\n\n"), "malformed: the server streams although no stream was asked for");
    }

    #[test]
    fn a_request_holds_one_text() {
        let messages = ["a", "b"].map(|text| Message { role: "user".to_owned(), content: text.into() });
        let options = CallOptions { model: "m".to_owned(), temperature: Some(1.0), ..CallOptions::default() };
        let ask = Ask { prompt: Prompt::Messages(messages.to_vec()), ..Ask::plain(0, String::new()) };
        let body = String::from_utf8(EMBEDDINGS.body(&ask, &options)).unwrap();
        insta::assert_snapshot!(body, @r#"{"input":"a\nb","model":"m"}"#);
    }
}
