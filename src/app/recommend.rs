//! `recommend`: how many of which GPU a model, a load and its limits need. Reads no file: whoever asks brings them.

use super::documents::WIDTH;
use super::error::AppError;
use crate::document::v1::{RecommendAskDocument, RecommendDocument, RunDocument};
use crate::host::RealClock;
use crate::recommend;
use crate::report;

/// The forms in which a recommendation can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecommendForm {
    Table { colour: bool },
    Markdown,
    Json,
}

/// Answers from published facts and assumed efficiencies.
pub fn recommend(ask: &RecommendAskDocument) -> Result<RecommendDocument, AppError> {
    recommend_with(ask, &[])
}

/// Answers with efficiencies that these results calibrate: those that `measured` of the question names.
pub fn recommend_with(
    ask: &RecommendAskDocument,
    measured: &[RunDocument],
) -> Result<RecommendDocument, AppError> {
    let checked =
        ask.checked(measured).map_err(|error| AppError::usage(error.to_string(), error.hint().0))?;
    let answer = recommend::recommend(&checked);
    Ok(RecommendDocument::new(env!("CARGO_PKG_VERSION"), &RealClock::wall(), ask, &checked, &answer))
}

/// As text.
pub fn render_recommendation(document: &RecommendDocument, form: RecommendForm) -> String {
    match form {
        RecommendForm::Table { colour } => report::console::render_recommendation(
            document,
            report::console::Style { color: colour, width: WIDTH },
        ),
        RecommendForm::Markdown => report::markdown::render_recommendation(document),
        RecommendForm::Json => document.to_json(),
    }
}
