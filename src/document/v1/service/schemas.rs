//! The schemas of everything that the API takes and answers, as one set that refers to itself.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{
    AnalysisAskDocument, AnalysisDocument, BaselineAsk, BaselineBrief, BaselineListDocument, BenchmarkAsk,
    BenchmarkDetail, BenchmarkDocument, BenchmarkPage, ChartsDocument, CheckedDocument, CompareAsk,
    CompareDocument, EventDocument, HistoryIndexDocument, ModelsDocument, PointsDocument, ProblemDocument,
    PromoteAsk, SettingsDocument, ViewerDocument,
};
use crate::document::v1::{
    GpusDocument, HistoryDocument, RecommendAskDocument, RecommendDocument, RowDocument, RunDocument,
};

/// By name, for `components/schemas` of an `OpenAPI` document.
pub fn schemas() -> serde_json::Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    macro_rules! add {
        ($($name:ty),* $(,)?) => { $( let _reference = generator.subschema_for::<$name>(); )* };
    }
    add!(
        AnalysisAskDocument,
        AnalysisDocument,
        BaselineAsk,
        BaselineBrief,
        BaselineListDocument,
        BenchmarkAsk,
        BenchmarkDetail,
        BenchmarkDocument,
        BenchmarkPage,
        ChartsDocument,
        CheckedDocument,
        CompareAsk,
        CompareDocument,
        EventDocument,
        GpusDocument,
        HistoryDocument,
        HistoryIndexDocument,
        ModelsDocument,
        PointsDocument,
        ProblemDocument,
        PromoteAsk,
        RecommendAskDocument,
        RecommendDocument,
        RowDocument,
        RunDocument,
        SettingsDocument,
        ViewerDocument,
    );
    generator.take_definitions(true)
}
