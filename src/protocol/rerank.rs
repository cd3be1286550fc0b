//! Rankings of documents by a query: `POST /v1/rerank`, always whole, in the shape of Jina and Cohere that vLLM and `SGLang`
//! serve.
//!
//! A prompt becomes a query and documents: of messages the first is the query, each other one a document; a text is cut
//! at white space into pieces of nearly the same number of words, the first of which is the query.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::body::{finished, started};
use super::codec::{CallOptions, Codec, Decode, Event};
use super::usage::WireUsage;
use super::whole::{Whole, no_answer, unreadable};
use super::{Api, errors};
use crate::record::{Ask, Failure, Prompt};

pub(super) const RERANK: &dyn Codec = &Rerank;

/// Documents that a text is cut into, after its query.
const DOCUMENTS: usize = 8;

struct Rerank;

impl Codec for Rerank {
    fn api(&self) -> Api {
        Api::Rerank
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/v1/rerank".to_owned()
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        let (query, documents) = question(&ask.prompt);
        let mut body = started(ask, options);
        body.insert("query".to_owned(), json!(query));
        body.insert("documents".to_owned(), json!(documents));
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

fn question(prompt: &Prompt) -> (String, Vec<String>) {
    match prompt {
        Prompt::Messages(messages) if messages.len() > 1 => {
            let mut texts = messages.iter().map(|message| Prompt::Messages(vec![message.clone()]).text());
            (texts.next().unwrap_or_default(), texts.collect())
        }
        _ => pieces(&prompt.text()),
    }
}

/// A text of one word is its own only document.
fn pieces(text: &str) -> (String, Vec<String>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = words.len().min(DOCUMENTS + 1);
    let piece = |at: usize| words[at * words.len() / count..(at + 1) * words.len() / count].join(" ");
    if count < 2 {
        return (text.to_owned(), vec![text.to_owned()]);
    }
    (piece(0), (1..count).map(piece).collect())
}

/// vLLM, Jina and Cohere answer with an object, `SGLang` with a bare list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Bare(Vec<Ranked>),
    Object { results: Option<Vec<Ranked>>, data: Option<Vec<Ranked>>, usage: Option<WireUsage> },
}

#[derive(Deserialize)]
struct Ranked {
    relevance_score: Option<IgnoredAny>,
    score: Option<IgnoredAny>,
}

/// A success has a score for every document that is listed, and lists one at least.
fn read(document: &str, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let answer: Answer =
        serde_json::from_str(document).map_err(|error| unreadable(document, "a ranking", &error))?;
    let (ranking, usage) = match answer {
        Answer::Bare(list) => (list, None),
        Answer::Object { results, data, usage } => (results.or(data).unwrap_or_default(), usage),
    };
    let scored = |ranked: &Ranked| ranked.relevance_score.is_some() || ranked.score.is_some();
    if ranking.is_empty() || !ranking.iter().all(scored) {
        return Err(no_answer(document, "scores"));
    }
    if let Some(usage) = usage {
        sink(Event::Usage(usage.reading()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::told::{Told, cut, decode};
    use crate::record::Message;

    fn told(body: &str) -> String {
        let (events, end) = decode(RERANK.whole(), &cut(body.as_bytes(), &[3, 40]), true);
        let prompts = events.iter().filter_map(|event| match event {
            Told::Usage(usage) => usage.prompt.map(|prompt| format!("{prompt} tokens, ")),
            _ => None,
        });
        let words: String = prompts.collect();
        format!("{words}{}", end.map_or_else(|failure| failure.to_string(), |()| "ok".to_owned()))
    }

    #[test]
    fn every_shape_of_ranking_is_read() {
        for (body, expected) in [
            (
                r#"{"id":"r","model":"m","usage":{"prompt_tokens":0,"total_tokens":56},"results":[{"index":1,"document":{"text":"b"},"relevance_score":0.98},{"index":0,"relevance_score":-1}]}"#,
                "56 tokens, ok",
            ),
            (r#"[{"score":0.9,"document":"b","index":1,"meta_info":{}},{"score":0.1,"index":0}]"#, "ok"),
            (r#"{"data":[{"index":0,"relevance_score":0}],"usage":{"prompt_tokens":7}}"#, "7 tokens, ok"),
            (r#"{"results":[]}"#, r#"malformed: no scores in {"results":[]}"#),
            (r#"{"results":[{"index":0}]}"#, r#"malformed: no scores in {"results":[{"index":0}]}"#),
            ("[]", "malformed: no scores in []"),
            (r#"{"error":"query is empty"}"#, "in_stream_error: query is empty"),
            ("", "malformed: empty response"),
        ] {
            assert_eq!(told(body), expected, "{body}");
        }
        assert!(told(r#"{"results":[{"index""#).starts_with("malformed: not a ranking ("));
    }

    #[test]
    fn a_prompt_becomes_a_query_and_documents() {
        let messages = ["q", "a", "b"].map(|text| Message { role: "user".to_owned(), content: text.into() });
        let documents = |prompt: Prompt| {
            let (query, documents) = question(&prompt);
            format!("{query} | {}", documents.join(" | "))
        };
        assert_eq!(documents(Prompt::Messages(messages.to_vec())), "q | a | b");
        let text: Vec<String> = (0..20).map(|word| word.to_string()).collect();
        insta::assert_snapshot!(documents(Prompt::Text(text.join(" "))), @"0 1 | 2 3 | 4 5 | 6 7 | 8 9 10 | 11 12 | 13 14 | 15 16 | 17 18 19");
        assert_eq!(documents(Prompt::Text("one two".to_owned())), "one | two");
        assert_eq!(documents(Prompt::Text("one".to_owned())), "one | one");
        let ask = Ask::plain(0, "a b".to_owned());
        let body = RERANK.body(&ask, &CallOptions { model: "m".to_owned(), ..CallOptions::default() });
        insta::assert_snapshot!(String::from_utf8(body).unwrap(), @r#"{"documents":["b"],"model":"m","query":"a"}"#);
    }
}
