//! What the command line declares; nothing here performs anything.

mod baseline;
mod compare;
mod gate;
mod import;
mod info;
mod init;
mod load;
mod merge;
mod plan;
mod report;
mod root;
mod run;
mod simulate;
#[cfg(test)]
mod tests;

pub use baseline::{BaselineArgs, BaselineCommand};
pub use compare::CompareArgs;
pub use gate::GateArgs;
pub use import::{ImportArgs, Tool};
pub use info::InfoArgs;
pub use init::InitArgs;
pub use load::{GateFlags, LoadFlags, SearchFlags};
pub use merge::MergeArgs;
pub use plan::PlanArgs;
pub use report::{Format, ReportArgs};
pub use root::{Cli, Command};
pub use run::RunArgs;
pub use simulate::SimulateArgs;
