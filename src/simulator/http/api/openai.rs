//! Requests for chat and completions, and vLLM's words for those it declines.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::content::Content;
use super::{llama_server, ollama_openai, sglang, trtllm, vllm};
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::Prompt;
use crate::simulator::http::voice::{Asked, SEQUENCES_MAX, Voice, Wanted};
use crate::simulator::model::{Engine, SimSpec};

/// Output tokens for those who ask for no number.
pub(super) const MAX_TOKENS_DEFAULT: u32 = 128;

/// The two ways of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Completions,
}

/// How much usage a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageWish {
    None,
    AtEnd,
    OnEveryChunk,
}

/// What every engine's answer is told from.
#[derive(Debug)]
pub(super) struct Tale {
    pub api: Api,
    pub engine: Option<Engine>,
    pub id: String,
    pub created: u64,
    pub model: String,
    /// Of all prompts together.
    pub prompt_tokens: u32,
    /// Chooses the words.
    pub salt: u64,
    pub usage: UsageWish,
    /// Whether an answer in one piece carries usage.
    pub usage_known: bool,
    /// Whether the answer calls the function of that name.
    pub tool: Option<String>,
    /// The ids of each prompt's tokens, where they and those of the answer are wanted.
    pub prompt_ids: Option<Vec<Vec<u32>>>,
    /// Choices of each prompt.
    pub choices: u32,
    /// Tokens of each choice that are reasoning.
    pub reasoning: u32,
}

/// Every field that the simulator understands; vLLM accepts unknown ones silently, and so does this.
#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    prompt: Option<PromptField>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<i64>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
    return_token_ids: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Tool {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PromptField {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    Lists(Vec<Vec<u64>>),
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

pub(in crate::simulator::http) fn chat(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(Api::Chat, asked)
}

pub(in crate::simulator::http) fn completions(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(Api::Completions, asked)
}

/// Reads and checks a request's body.
fn read(api: Api, asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let spec = asked.spec;
    let mut request: Request = serde_json::from_slice(asked.body).map_err(|error| {
        let message = format!("1 validation error:\n  {{'type': 'json_invalid', 'msg': '{error}'}}");
        // llama-server alone takes a body that is no JSON for a fault of its own.
        match spec.engine {
            Some(Engine::LlamaServer) if error.is_syntax() || error.is_eof() => Declined {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..Declined::bad(None, format!("[json.exception.parse_error.101] parse error: {error}"))
            },
            _ => Declined::bad(None, message),
        }
    })?;
    known_model(spec, request.model.as_deref())?;
    let stream = request.stream.unwrap_or(false);
    if request.stream_options.is_some() && !stream {
        let message = "Stream options can only be defined when `stream=True`. (parameter=stream_options)";
        return Err(Declined::bad(Some("stream_options"), message));
    }
    let n = request.n.unwrap_or(1);
    if n < 1 {
        return Err(Declined::bad(
            Some("n"),
            format!("n must be at least 1, got {n}. (parameter=n, value={n})"),
        ));
    }
    let usage = usage_wish(request.stream_options.as_ref(), spec);
    let asked_tokens = request.max_completion_tokens.or(request.max_tokens);
    let tool = if api == Api::Chat { called(&request) } else { None };
    let model = request.model.take();
    let wants_ids = request.return_token_ids == Some(true);
    let prompts = prompts_of(api, request)?;
    let choices = usize::try_from(n).ok().filter(|n| n.saturating_mul(prompts.len()) <= SEQUENCES_MAX);
    let Some(choices) = choices else {
        let message = format!("{n} choices of {} prompts are more than {SEQUENCES_MAX}", prompts.len());
        return Err(Declined::bad(Some("n"), message));
    };
    let max_tokens = max_tokens(asked_tokens, &prompts, spec.profile.context)?;
    let reasoning = if api == Api::Chat { spec.reasoning.min(max_tokens) } else { 0 };
    let number = asked.number();
    let tale = Tale {
        api,
        engine: spec.engine,
        id: id_of(spec.engine, api, number),
        created: asked.unix_seconds,
        model: model.unwrap_or_else(|| spec.model.clone()),
        prompt_tokens: prompts.iter().map(|prompt| prompt.tokens as u32).sum(),
        salt: number,
        usage,
        usage_known: spec.usage,
        // A call needs a token of its own.
        tool: tool.filter(|_| reasoning < max_tokens),
        prompt_ids: wants_ids.then(|| prompts.iter().map(|prompt| prompt.ids.clone()).collect()),
        choices: choices as u32,
        reasoning,
    };
    Ok(Wanted {
        prompts,
        choices: choices as u32,
        max_tokens,
        reasoning,
        stream,
        id: tale.id.clone(),
        voice: voice(tale),
    })
}

fn voice(tale: Tale) -> Box<dyn Voice> {
    match tale.engine {
        Some(Engine::Ollama) => Box::new(ollama_openai::OllamaOpenAi(tale)),
        Some(Engine::Sglang) => Box::new(sglang::Sglang(tale)),
        Some(Engine::LlamaServer) => Box::new(llama_server::LlamaServer(tale)),
        Some(Engine::TrtLlm) => Box::new(trtllm::TrtLlm(tale)),
        None | Some(Engine::Vllm | Engine::Tgi | Engine::Triton | Engine::Anthropic) => {
            Box::new(vllm::Vllm(tale))
        }
    }
}

impl Tale {
    pub(super) fn tongue(&self) -> Tongue {
        // Ollama, TGI and others speak OpenAI's words on OpenAI's paths.
        match self.engine {
            Some(Engine::Sglang | Engine::TrtLlm | Engine::LlamaServer) => Tongue::of(self.engine),
            _ => Tongue::Vllm,
        }
    }

    /// The ids of a choice's prompt, for those who want them.
    pub(super) fn ids_of_prompt(&self, choice: u32) -> Option<&[u32]> {
        let ids = self.prompt_ids.as_ref()?;
        ids.get((choice / self.choices) as usize).map(Vec::as_slice)
    }

    /// What is said of why a choice ended.
    pub(super) fn finish(&self) -> &'static str {
        if self.tool.is_some() { "tool_calls" } else { "length" }
    }
}

/// What ids look like: SGLang's are bare hexadecimal digits, llama-server gives chat's to everything.
fn id_of(engine: Option<Engine>, api: Api, number: u64) -> String {
    match (engine, api) {
        (Some(Engine::Sglang), _) => format!("{number:032x}"),
        (Some(Engine::LlamaServer), _) | (_, Api::Chat) => format!("chatcmpl-{number:016x}"),
        (_, Api::Completions) => format!("cmpl-{number:016x}"),
    }
}

/// SGLang and llama-server answer under whatever name they are asked for.
fn known_model(spec: &SimSpec, asked: Option<&str>) -> Result<(), Declined> {
    match asked {
        Some(model) if !spec.serves(model) => match spec.engine {
            Some(Engine::Sglang | Engine::LlamaServer | Engine::TrtLlm | Engine::Tgi) => Ok(()),
            Some(Engine::Ollama) => Err(Declined::unknown_model(format!("model '{model}' not found"))),
            _ => Err(Declined::unknown_model(format!(
                "The model `{model}` does not exist. Valid aliases: {}.",
                spec.model
            ))),
        },
        _ => Ok(()),
    }
}

/// The function that must be called: by its name, or the first when any is required.
fn called(request: &Request) -> Option<String> {
    let names = request.tools.iter().flatten().filter_map(|tool| tool.function.as_ref());
    match request.tool_choice.as_ref()? {
        Value::String(choice) if choice == "required" => names.map(|function| function.name.clone()).next(),
        choice => Some(choice.get("function")?.get("name")?.as_str()?.to_owned()),
    }
}

fn usage_wish(options: Option<&StreamOptions>, spec: &SimSpec) -> UsageWish {
    let on = |flag: Option<bool>| flag.unwrap_or(false);
    match options {
        Some(options) if spec.usage && on(options.include_usage) => {
            if on(options.continuous_usage_stats) {
                UsageWish::OnEveryChunk
            } else {
                UsageWish::AtEnd
            }
        }
        _ => UsageWish::None,
    }
}

fn prompts_of(api: Api, request: Request) -> Result<Vec<Prompt>, Declined> {
    let missing = |field: &'static str| {
        Declined::bad(
            Some(field),
            format!(
                "1 validation error:\n  {{'type': 'missing', 'loc': 'body.{field}', 'msg': 'Field required'}}"
            ),
        )
    };
    let prompts = match api {
        Api::Chat => {
            let mut prompt = Prompt::default();
            let messages = request.messages.ok_or_else(|| missing("messages"))?;
            messages
                .iter()
                .filter_map(|message| message.content.as_ref())
                .for_each(|it| it.read(&mut prompt));
            vec![prompt]
        }
        Api::Completions => match request.prompt.ok_or_else(|| missing("prompt"))? {
            PromptField::Text(text) => vec![Prompt::of(&text)],
            PromptField::Texts(texts) => texts.iter().map(|text| Prompt::of(text)).collect(),
            PromptField::Tokens(ids) => vec![of_ids(&ids)],
            PromptField::Lists(lists) => lists.iter().map(|ids| of_ids(ids)).collect(),
        },
    };
    if prompts.is_empty() || prompts.iter().any(|prompt| prompt.tokens == 0) {
        return Err(Declined::bad(Some("input_tokens"), "The decoder prompt cannot be empty"));
    }
    Ok(prompts)
}

fn of_ids(ids: &[u64]) -> Prompt {
    let mut prompt = Prompt::default();
    for id in ids {
        prompt.id(*id);
    }
    prompt
}

fn max_tokens(asked: Option<i64>, prompts: &[Prompt], context: u32) -> Result<u32, Declined> {
    let prompt = prompts.iter().map(|prompt| prompt.tokens).max().unwrap_or(0);
    let room = context.saturating_sub(u32::try_from(prompt).unwrap_or(u32::MAX));
    match asked {
        Some(asked) if asked < 1 => Err(Declined::bad(
            Some("max_tokens"),
            format!("max_tokens must be at least 1, got {asked}. (parameter=max_tokens, value={asked})"),
        )),
        Some(asked) if asked > i64::from(context) => Err(Declined::bad(
            Some("max_tokens"),
            format!(
                "max_tokens={asked} cannot be greater than max_model_len={context}. Please request fewer output \
                 tokens. (parameter=max_tokens, value={asked})"
            ),
        )),
        Some(asked) if asked <= i64::from(room) => Ok(asked as u32),
        None if room > 0 => Ok(room.min(MAX_TOKENS_DEFAULT)),
        asked => {
            let output = asked.unwrap_or(1);
            Err(Declined::bad(
                Some("input_tokens"),
                format!(
                    "This model's maximum context length is {context} tokens. However, you requested {output} output \
                     tokens and your prompt contains {prompt} input tokens, for a total of {} tokens. Please reduce \
                     the length of the input prompt or the number of requested output tokens. \
                     (parameter=input_tokens, value={prompt})",
                    output.saturating_add_unsigned(prompt as u64)
                ),
            ))
        }
    }
}
