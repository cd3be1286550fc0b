//! One typed parser per setting: text in, checked value or the next step out.

mod asks;
mod data;
mod gate;
mod launch;
mod lengths;
mod load;
mod metrics;
mod range;
mod rules;
mod search;
mod server;
mod shard;
mod slo;
mod stages;
mod trace;
mod weights;
mod words;
mod work;

pub(super) use asks::workload;
pub(super) use gate::{default_tolerances, limited, policy};
pub(super) use launch::starts_baseline;
pub(super) use load::levels;
pub(super) use metrics::page;
pub(super) use rules::Setup;
pub(super) use search::{search, wanted};
pub(super) use server::{api_key, baseline, is_simulator, simulated, target};
pub(super) use shard::{shard, start_at};
pub use slo::parse_slos;
pub(super) use slo::slos;
pub(super) use weights::weights;
pub(super) use words::{cut_lines, name, path, switch, warmup, whole};
pub(super) use work::{api, only_reads, sampling, spoken, spread_timeouts, timeouts};
