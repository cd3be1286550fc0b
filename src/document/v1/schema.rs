//! The JSON Schemas of our files, generated from the types.

use schemars::{JsonSchema, schema_for};

use super::format::write;
use super::service::AnalysisDocument;
use super::{
    BaselineDocument, DoctorDocument, ForecastDocument, GpusDocument, HistoryDocument, InfoDocument,
    LedgerDocument, RecommendDocument, RunDocument,
};

/// The text of `schemas/result.schema.json`.
pub fn run_schema() -> String {
    text::<RunDocument>()
}

/// The text of `schemas/baseline.schema.json`.
pub fn baseline_schema() -> String {
    text::<BaselineDocument>()
}

/// The text of `schemas/ledger.schema.json`.
pub fn ledger_schema() -> String {
    text::<LedgerDocument>()
}

/// The text of `schemas/forecast.schema.json`.
pub fn forecast_schema() -> String {
    text::<ForecastDocument>()
}

/// The text of `schemas/history.schema.json`.
pub fn history_schema() -> String {
    text::<HistoryDocument>()
}

/// The text of `schemas/doctor.schema.json`.
pub fn doctor_schema() -> String {
    text::<DoctorDocument>()
}

/// The text of `schemas/gpus.schema.json`.
pub fn gpus_schema() -> String {
    text::<GpusDocument>()
}

/// The text of `schemas/info.schema.json`.
pub fn info_schema() -> String {
    text::<InfoDocument>()
}

/// The text of `schemas/recommend.schema.json`.
pub fn recommend_schema() -> String {
    text::<RecommendDocument>()
}

/// The text of `schemas/analysis.schema.json`.
pub fn analysis_schema() -> String {
    text::<AnalysisDocument>()
}

fn text<T: JsonSchema>() -> String {
    write(&schema_for!(T))
}
