//! `analyze`: a result in words.

use super::args::{AnalysisFormat, AnalyzeArgs, Language};
use super::dispatch::emit;
use super::exit::Exit;
use super::load;
use super::printer::Printer;
use crate::app::{self, AnalysisForm, Analyst, AnalyzeAsk, AppError};
use crate::base::Secret;
use crate::document::v1::service::LanguageDocument;
use crate::host::env;

/// Where keys of OpenAI-compatible servers usually are.
const KEY: &str = "OPENAI_API_KEY";

pub(super) fn analyze(args: &AnalyzeArgs) -> Result<Exit, AppError> {
    let analyst = analyst(args)?;
    let run = app::read_result(&args.result)?;
    let baseline = args.baseline.as_deref().map(app::read_result).transpose()?;
    let language = match args.language {
        Language::En => LanguageDocument::English,
        Language::Ko => LanguageDocument::Korean,
    };
    let ask = AnalyzeAsk { run: &run, baseline: baseline.as_ref(), language };
    let document = load::runtime()?.block_on(app::analyze(ask, analyst.as_ref()));
    let form = match args.format {
        AnalysisFormat::Text => AnalysisForm::Text,
        AnalysisFormat::Markdown => AnalysisForm::Markdown,
        AnalysisFormat::Json => AnalysisForm::Json,
    };
    // On a terminal the text itself ends with them.
    if args.output.is_some() || args.format != AnalysisFormat::Text {
        document.notes.iter().for_each(|note| Printer::new(false, None).note(note));
    }
    emit(&app::render_analysis(&document, form), args.output.as_deref())?;
    Ok(Exit::Success)
}

fn analyst(args: &AnalyzeArgs) -> Result<Option<Analyst>, AppError> {
    let Some((url, model)) = args.server.as_deref().zip(args.model.as_deref()) else { return Ok(None) };
    let variables = env::vars();
    let key = match &args.api_key_env {
        Some(name) => Some(variables.get(name).ok_or_else(|| {
            AppError::usage(
                format!("--api-key-env {name}: no such variable is set"),
                "export it, or name another",
            )
        })?),
        None => variables.get(KEY),
    };
    let key = key.filter(|key| !key.is_empty()).map(Secret::new);
    app::analyst(url, model, key).map(Some)
}
