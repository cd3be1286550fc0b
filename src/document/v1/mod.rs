//! Version 1 of the files: results, baselines and rows, their readers and their schemas.

mod asked;
mod back;
mod baseline;
mod doctor;
mod engine;
mod environment;
mod finding;
mod forecast;
mod format;
mod gpus;
mod histogram;
mod history;
pub mod import;
mod info;
mod launch;
mod ledger;
mod level;
mod load;
mod merge;
mod number;
mod observed;
mod plan;
mod pool;
mod pool_observed;
mod recommend;
mod row;
mod run;
mod schema;
mod search;
mod series;
pub mod service;
mod shard;
mod stored;
mod target;
mod values;
mod verdict;

#[cfg(test)]
pub(crate) mod nights;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod sample_pairs;
#[cfg(test)]
mod tests;

pub use asked::{MannerDocument, PartDocument, WeightDocument};
pub use baseline::{BaselineDocument, Candidate, SessionDocument, SessionLevel, SessionRound, comparable};
pub use doctor::{CheckDocument, DiagnosisDocument, DoctorDocument, DoctorParts};
pub use engine::{BucketsDocument, EngineDocument};
pub use environment::{EnvironmentDocument, GpuDocument, Key};
pub use finding::FindingDocument;
pub use forecast::{
    CostDocument, ForecastDocument, MetricForecastDocument, NoiseDocument, PairForecastDocument,
    SessionForecastDocument,
};
pub use format::{DEFINITIONS, DocumentError, DocumentProblem, Format, Kind, SIZE_MAX};
pub use gpus::{GpuNowDocument, GpuProcessDocument, GpusDocument};
pub use history::{
    AlarmDocument, AnswerOfPairs, ChangeDocument, HistoryDocument, NightDocument, PairedAnswer,
    SegmentDocument, TrendDocument,
};
pub use info::{InfoDocument, SettingDocument, SystemDocument};
pub use launch::LaunchDocument;
pub use ledger::{BlockDocument, BlockLevel, LedgerDocument};
pub use level::{
    ConcurrencyDocument, GoodputDocument, LevelDocument, MetricDocument, SloCountDocument, SteadyDocument,
    TokensDocument, WindowDocument,
};
pub use load::{LoadDocument, TraceDocument};
pub use merge::{Joiner, MergeError, Part, Place, Shards};
pub use observed::{CourseDocument, EnergyDocument, GpuWindowDocument, LogWindowDocument, ObservedDocument};
pub use plan::{
    GateDocument, ObjectiveDocument, PlanDocument, SamplingDocument, SloDocument, TimeoutsDocument,
    WorkloadDocument,
};
pub use recommend::{
    AskedLoadDocument, AssumptionDocument, CalibrationDocument, FormulaDocument, InputDocument,
    IntervalDocument, MemoryDocument, ModelFactsDocument, NumbersDocument, OptionDocument, PriceDocument,
    RangeDocument, RecommendAskDocument, RecommendDocument, RejectedDocument, ServedDocument,
};
pub use row::{RowDocument, TokenCounts};
pub use run::{
    ImportedDocument, PairsDocument, PairsParts, RoundDocument, RoundParts, RunDocument, RunParts,
};
pub use schema::{
    analysis_schema, baseline_schema, doctor_schema, forecast_schema, gpus_schema, history_schema,
    info_schema, ledger_schema, recommend_schema, run_schema,
};
pub use search::{
    AnswerDocument, GoalDocument, IdleDocument, OutcomeDocument, SearchDocument, SearchLevelDocument,
    StandingDocument, StepDocument,
};
pub use series::{PointDocument, SeriesDocument};
pub use shard::ShardDocument;
pub use stored::{DriftDocument, StoredDocument};
pub use target::{BaselineServerDocument, TargetDocument};
pub use verdict::{
    BasisDocument, DecisionDocument, EffectDocument, JudgementDocument, LookDocument, MethodDocument,
    RuleDocument, StatusDocument, TestDocument, VerdictDocument,
};
