//! What needs no output tokens: embeddings (OpenAI's and Ollama's) and rerank. The model only reads.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::Prompt;
use crate::simulator::http::voice::{Asked, Ended, SEQUENCES_MAX, Span, Voice, Wanted};
use crate::simulator::model::Engine;

/// Numbers in a vector for those who ask for no number, and at most.
const DIMENSIONS: usize = 256;
const DIMENSIONS_MAX: usize = 4_096;

#[derive(Deserialize)]
struct Embeddings {
    model: Option<String>,
    input: Input,
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    Lists(Vec<Vec<u64>>),
}

#[derive(Deserialize)]
struct Rerank {
    model: Option<String>,
    query: String,
    documents: Vec<String>,
    top_n: Option<usize>,
    return_documents: Option<bool>,
}

struct Vectors {
    tongue: Tongue,
    id: String,
    created: u64,
    model: String,
    dimensions: usize,
    /// A number for each input, from which its vector follows.
    marks: Vec<u64>,
    /// Whether Ollama is asked.
    ollama: bool,
}

struct Scores {
    tongue: Tongue,
    id: String,
    model: String,
    documents: Vec<String>,
    /// As `Vectors` has them.
    marks: Vec<u64>,
    top: usize,
    returns: bool,
}

pub(in crate::simulator::http) fn embeddings(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read_embeddings(asked, false)
}

pub(in crate::simulator::http) fn embed(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read_embeddings(asked, true)
}

fn read_embeddings(asked: &Asked<'_>, ollama: bool) -> Result<Wanted, Declined> {
    let Embeddings { model, input, dimensions } =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let model = known(asked, model)?;
    let dimensions = dimensions.unwrap_or(DIMENSIONS);
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        let message = format!("dimensions must be from 1 to {DIMENSIONS_MAX}, got {dimensions}");
        return Err(Declined::bad(Some("dimensions"), message));
    }
    let prompts = match input {
        Input::Text(text) => vec![Prompt::of(&text)],
        Input::Texts(texts) => texts.iter().map(|text| Prompt::of(text)).collect(),
        Input::Tokens(ids) => vec![of_ids(&ids)],
        Input::Lists(lists) => lists.iter().map(|ids| of_ids(ids)).collect(),
    };
    let marks = marks(&prompts)?;
    let tongue = if ollama { Tongue::Ollama } else { tongue(asked) };
    let (id, created) = (format!("embd-{:016x}", asked.number()), asked.unix_seconds);
    let voice = Vectors { tongue, id: id.clone(), created, model, dimensions, marks, ollama };
    Ok(prefill(prompts, id, Box::new(voice)))
}

pub(in crate::simulator::http) fn rerank(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let Rerank { model, query, documents, top_n, return_documents } =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let model = known(asked, model)?;
    // A cross-encoder reads the query and a document together.
    let prompts: Vec<Prompt> = documents
        .iter()
        .map(|document| {
            let mut prompt = Prompt::of(&query);
            prompt.read(document);
            prompt
        })
        .collect();
    let marks = marks(&prompts)?;
    let id = format!("rerank-{:016x}", asked.number());
    // vLLM takes 0 for all.
    let top = top_n.filter(|top| *top > 0).unwrap_or(documents.len());
    let returns = return_documents.unwrap_or(true);
    let voice = Scores { tongue: tongue(asked), id: id.clone(), model, documents, marks, top, returns };
    Ok(prefill(prompts, id, Box::new(voice)))
}

fn tongue(asked: &Asked<'_>) -> Tongue {
    match asked.spec.engine {
        Some(Engine::Ollama) => Tongue::Vllm,
        engine => Tongue::of(engine),
    }
}

fn known(asked: &Asked<'_>, model: Option<String>) -> Result<String, Declined> {
    match model {
        Some(model) if !asked.spec.serves(&model) => {
            Err(Declined::unknown_model(format!("The model `{model}` does not exist.")))
        }
        model => Ok(model.unwrap_or_else(|| asked.spec.model.clone())),
    }
}

fn of_ids(ids: &[u64]) -> Prompt {
    let mut prompt = Prompt::default();
    for id in ids {
        prompt.id(*id);
    }
    prompt
}

/// A number for each prompt that depends on all of its tokens. Checks what all these requests have in common.
fn marks(prompts: &[Prompt]) -> Result<Vec<u64>, Declined> {
    if prompts.is_empty() || prompts.len() > SEQUENCES_MAX {
        return Err(Declined::invalid(format!("from 1 to {SEQUENCES_MAX} inputs, got {}", prompts.len())));
    }
    if prompts.iter().any(|prompt| prompt.tokens == 0) {
        return Err(Declined::invalid("an input is empty"));
    }
    Ok(prompts.iter().map(Prompt::mark).collect())
}

fn prefill(prompts: Vec<Prompt>, id: String, voice: Box<dyn Voice>) -> Wanted {
    Wanted { prompts, choices: 1, max_tokens: 0, reasoning: 0, stream: false, id, voice }
}

/// Dimension `index` of a vector of length one: the corner of a cube that its mark chooses.
fn component(mark: u64, index: usize, dimensions: usize) -> f64 {
    let bit = mark.rotate_left((index % 64) as u32) ^ (index as u64 / 64);
    let size = 1.0 / (dimensions as f64).sqrt();
    if bit & 1 == 0 { size } else { -size }
}

fn total(ended: &[Ended]) -> u32 {
    ended.iter().map(|ended| ended.prompt).sum()
}

impl Voice for Vectors {
    fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// Nothing here is ever streamed.
    fn tokens(&mut self, _span: Span) -> Bytes {
        Bytes::new()
    }

    fn breaking(&mut self) -> Bytes {
        Declined::broken().told(self.tongue).to_string().into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let vectors = self.marks.iter().map(|mark| -> Vec<f64> {
            (0..self.dimensions).map(|index| component(*mark, index, self.dimensions)).collect()
        });
        let tokens = total(ended);
        let body = if self.ollama {
            let spent = ended.iter().map(|ended| ended.last.0.saturating_sub(ended.received.0)).max();
            json!({"model": self.model, "embeddings": vectors.collect::<Vec<_>>(),
                "total_duration": spent.unwrap_or(0), "load_duration": 0, "prompt_eval_count": tokens})
        } else {
            let data: Vec<Value> = vectors
                .enumerate()
                .map(|(index, vector)| json!({"index": index, "object": "embedding", "embedding": vector}))
                .collect();
            json!({"id": self.id, "object": "list", "created": self.created, "model": self.model, "data": data,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0,
                "prompt_tokens_details": null}})
        };
        body.to_string().into()
    }
}

impl Voice for Scores {
    fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// Nothing here is ever streamed.
    fn tokens(&mut self, _span: Span) -> Bytes {
        Bytes::new()
    }

    fn breaking(&mut self) -> Bytes {
        Declined::broken().told(self.tongue).to_string().into()
    }

    /// The best first.
    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let mut ranked: Vec<(usize, f64)> =
            self.marks.iter().map(|mark| (mark >> 11) as f64 / (1_u64 << 53) as f64).enumerate().collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        let results: Vec<Value> = ranked
            .into_iter()
            .take(self.top)
            .map(|(index, score)| {
                let mut result = json!({"index": index, "relevance_score": score});
                if self.returns {
                    result["document"] = json!({"text": self.documents[index]});
                }
                result
            })
            .collect();
        let tokens = total(ended);
        json!({"id": self.id, "model": self.model, "usage": {"total_tokens": tokens, "prompt_tokens": tokens},
            "results": results})
        .to_string()
        .into()
    }
}
