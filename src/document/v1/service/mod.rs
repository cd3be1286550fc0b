//! What the server's API takes and answers. Results themselves are the documents that every other command writes.

mod analysis;
mod benchmark;
mod brief;
mod charts;
mod compare;
mod event;
mod history;
mod problem;
mod schemas;
mod setup;

pub use analysis::{
    AnalysisAskDocument, AnalysisDocument, AnalystDocument, ClaimDocument, ClaimKind, FigureDocument,
    LanguageDocument, SectionDocument,
};
pub use benchmark::{
    BenchmarkAsk, BenchmarkDetail, BenchmarkDocument, BenchmarkPage, BriefDocument, BriefLevel,
    CheckedDocument, FailureDocument, OriginDocument, PurposeDocument, SettingValue, StateDocument,
};
pub use charts::{ChartsDocument, DistributionDocument, LevelCharts, PointsDocument};
pub use compare::{CompareAsk, CompareDocument, ComparedDocument, DifferenceDocument};
pub use event::{EventDocument, GpuGlance, LevelEvent, PercentilesDocument, TickEvent};
pub use history::{
    BaselineAsk, BaselineBrief, BaselineListDocument, HistoryEntry, HistoryIndexDocument, HistorySource,
    PromoteAsk, SessionBrief,
};
pub use problem::ProblemDocument;
pub use schemas::schemas;
pub use setup::{KeyScope, ModelsDocument, SettingRow, SettingsDocument, ViewerDocument};
