//! `analyze`: a result in words, by rules, and where it is wanted by a model whose numbers are checked.

use std::time::Duration;

use serde_json::{Value, json};

use super::compare::compare_documents;
use super::error::AppError;
use super::place::simulated;
use crate::base::{Nanos, Secret};
use crate::document::v1::RunDocument;
use crate::document::v1::service::{AnalysisDocument, DifferenceDocument, LanguageDocument};
use crate::host::RealClock;
use crate::report::analysis::{self, Comparison, Question};
use crate::simulator::http::Simulator;
use crate::simulator::model::SimSpec;
use crate::transport::{Address, Control, HttpOptions, TlsOptions};

/// Longest wait for what a model writes.
const PATIENCE: Duration = Duration::from_mins(3);
/// Room for its answer.
const TOKENS: u32 = 1_500;
/// Characters of a server's own words that are repeated.
const WORDS: usize = 200;

/// A model that is asked over an OpenAI-compatible API.
#[derive(Debug, Clone)]
pub struct Analyst {
    /// Base URL without `/v1`, or `sim:` for the simulator.
    pub url: String,
    pub model: String,
    pub api_key: Option<Secret>,
}

/// What is analysed.
#[derive(Debug, Clone, Copy)]
pub struct AnalyzeAsk<'a> {
    pub run: &'a RunDocument,
    /// A result to hold it against.
    pub baseline: Option<&'a RunDocument>,
    pub language: LanguageDocument,
}

/// The forms in which an analysis can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnalysisForm {
    Text,
    Markdown,
    Json,
}

/// The analysis. A model that fails leaves the rules' part as it is, and a note that says why.
pub async fn analyze(ask: AnalyzeAsk<'_>, analyst: Option<&Analyst>) -> AnalysisDocument {
    let AnalyzeAsk { run, baseline, language } = ask;
    let mut document = by_rules(run, baseline, language);
    let Some(analyst) = analyst else { return document };
    match written(analyst, &analysis::question(run, &document)).await {
        Ok(text) => document.analyst = Some(analysis::check(run, &document, &analyst.model, &text)),
        Err(why) => document.notes.push(match language {
            LanguageDocument::English => {
                format!("the model {} wrote nothing ({why}); this analysis is by rules alone", analyst.model)
            }
            LanguageDocument::Korean => {
                format!("모델 {}의 글을 받지 못했다({why}). 이 분석은 규칙만으로 작성되었다", analyst.model)
            }
        }),
    }
    document
}

/// An analysis as text.
pub fn render_analysis(document: &AnalysisDocument, form: AnalysisForm) -> String {
    match form {
        AnalysisForm::Text => analysis::text(document),
        AnalysisForm::Markdown => analysis::markdown(document),
        AnalysisForm::Json => document.to_json(),
    }
}

fn by_rules(
    run: &RunDocument,
    baseline: Option<&RunDocument>,
    language: LanguageDocument,
) -> AnalysisDocument {
    let created = RealClock::wall();
    let Some(old) = baseline else { return analysis::analysis(run, None, language, &created) };
    let differences = DifferenceDocument::between(old, run);
    let (reasons, judged) = match compare_documents(old, run) {
        Ok(compared) => (Vec::new(), Some(compared.document)),
        Err(reasons) => (reasons, None),
    };
    let verdict = judged.as_ref().and_then(|judged| judged.verdict.as_ref());
    let comparison = Comparison { reasons: &reasons, verdict, differences: &differences };
    analysis::analysis(run, Some(&comparison), language, &created)
}

/// What the model says, or why it says nothing.
async fn written(analyst: &Analyst, question: &Question) -> Result<String, String> {
    let (address, simulator) = reach(&analyst.url)?;
    let options = HttpOptions {
        address,
        api_key: analyst.api_key.clone(),
        key_header: None,
        headers: Vec::new(),
        tls: TlsOptions::default(),
        connect_timeout: Nanos::from_secs(10.0),
    };
    let control = Control::new(&options).map_err(|error| error.to_string())?;
    let body = json!({
        "model": analyst.model,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
        "temperature": 0,
        "max_tokens": TOKENS,
        "stream": false,
    });
    let heard =
        control.converse("/v1/chat/completions", &[], body.to_string().into_bytes(), PATIENCE).await?;
    drop(simulator);
    let bytes: Vec<u8> = heard.reads.into_iter().flat_map(|(_, bytes)| bytes).collect();
    if !(200..300).contains(&heard.status) {
        let words: String = String::from_utf8_lossy(&bytes).chars().take(WORDS).collect();
        return Err(format!("it answered {}: {}", heard.status, crate::report::plain(&words)));
    }
    heard.end?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| format!("its answer: {error}"))?;
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default().trim();
    if text.is_empty() { Err("its answer holds no text".to_owned()) } else { Ok(text.to_owned()) }
}

/// Where the model is; a simulated one stands while it is held.
fn reach(url: &str) -> Result<(Address, Option<Simulator>), String> {
    let Some(text) = simulated(url) else {
        let address = Address::parse(url).map_err(|error| error.to_string())?;
        return Ok((address.reached().0, None));
    };
    let spec = SimSpec::parse(text).map_err(|error| error.to_string())?;
    let simulator = Simulator::start(spec, 1).map_err(|error| error.to_string())?;
    let address = Address::parse(simulator.base_url()).map_err(|error| error.to_string())?;
    Ok((address, Some(simulator)))
}

/// Refuses an analyst that cannot be asked, before anything is read.
pub fn analyst(url: &str, model: &str, api_key: Option<Secret>) -> Result<Analyst, AppError> {
    let (wrong, hint) = match simulated(url) {
        Some(text) => (SimSpec::parse(text).err().map(|error| error.to_string()), None),
        None => match Address::parse(url) {
            Ok(_) => (None, None),
            Err(error) => (Some(error.to_string()), Some(error.hint().0)),
        },
    };
    if let Some(why) = wrong {
        let hint = hint.unwrap_or_else(|| "for example --server http://localhost:8000".to_owned());
        return Err(AppError::usage(why, hint));
    }
    Ok(Analyst {
        url: url.trim_end_matches('/').trim_end_matches("/v1").to_owned(),
        model: model.to_owned(),
        api_key,
    })
}
