//! Schedules in a line.

use crate::base::{Nanos, Seed};
use crate::workload::{
    DataFile, DataFormat, Lengths, Level, Limit, Load, Part, Schedule, Servers, Source, TokenCounter,
    UrlStrategy, Workload,
};

pub(super) const LEVEL: Level =
    Level { load: Load::Closed { concurrency: 4, ramp_up: Nanos::ZERO }, limit: Limit::Requests(200) };

pub(super) fn row_file(path: &str) -> DataFile {
    DataFile { path: path.into(), format: DataFormat::Auto, prompt_column: None, output_column: None }
}

/// 32 tokens in, 8 out.
pub(super) fn plain() -> Workload {
    Workload::synthetic(Lengths::Fixed(32), Some(Lengths::Fixed(8)))
}

/// Every file holds `text`.
pub(super) fn build_parts(parts: &[Part], level: &Level, seed: u64, text: &str) -> Schedule {
    let servers = Servers { count: 3, first: 0, strategy: UrlStrategy::Session };
    let read = |_: &std::path::Path| Ok(text.as_bytes().to_vec());
    let source = Source::new(parts, servers, &TokenCounter::Words, read).unwrap();
    Schedule::build(&source, level, Seed(seed)).unwrap()
}

pub(super) fn build(workload: Workload, seed: u64) -> Schedule {
    build_parts(&[Part::only("a", workload, Vec::new())], &LEVEL, seed, "")
}
