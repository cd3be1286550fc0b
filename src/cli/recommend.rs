//! `recommend`: reads what lies in files, asks, and prints the answer.

use std::path::Path;

use super::args::{RecommendArgs, RecommendFormat};
use super::dispatch::emit;
use super::exit::Exit;
use super::load;
use crate::app::{self, AppError, RecommendForm, Side};
use crate::config::{SourceFile, prices};
use crate::document::v1::PriceDocument;
use crate::host::files;

/// Configurations and price tables are pages of text.
const TEXT_MAX: u64 = 1024 * 1024;

/// Succeeds where at least one GPU serves the load.
pub(super) fn recommend(args: &RecommendArgs) -> Result<Exit, AppError> {
    let mut ask = args.ask()?;
    ask.config_json = args.config_json.as_deref().map(read).transpose()?;
    if let Some(path) = &args.prices {
        let file = SourceFile { path: path.display().to_string(), text: read(path)? };
        ask.prices = prices(&file)?
            .into_iter()
            .map(|(gpu, usd_per_hour)| PriceDocument { gpu, usd_per_hour })
            .collect();
    }
    let measured = args.measured.iter().map(|path| app::read_result(path)).collect::<Result<Vec<_>, _>>()?;
    let document = app::recommend_with(&ask, &measured)?;
    let form = match args.format {
        RecommendFormat::Table => RecommendForm::Table { colour: load::colour() && args.output.is_none() },
        RecommendFormat::Markdown => RecommendForm::Markdown,
        RecommendFormat::Json => RecommendForm::Json,
    };
    emit(&app::render_recommendation(&document, form), args.output.as_deref())?;
    Ok(if document.options.is_empty() { Exit::GateFailed } else { Exit::Success })
}

fn read(path: &Path) -> Result<String, AppError> {
    files::read_text(path, TEXT_MAX).map_err(|error| AppError { side: Side::Usage, ..error.into() })
}
