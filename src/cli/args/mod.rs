//! What the command line declares; nothing here performs anything.

mod baseline;
mod compare;
mod gate;
mod import;
mod info;
mod init;
mod load;
mod merge;
mod report;
mod root;
mod run;
mod search;
mod simulate;
#[cfg(test)]
mod tests;

pub use baseline::{BaselineArgs, BaselineCommand};
pub use compare::CompareArgs;
pub use gate::{GateArgs, GateFlags};
pub use import::{ImportArgs, Tool};
pub use info::InfoArgs;
pub use init::InitArgs;
pub use load::{LoadArgs, flags};
pub use merge::MergeArgs;
pub use report::{Format, ReportArgs};
pub use root::{Cli, Command};
pub use run::RunArgs;
pub use search::SearchFlags;
pub use simulate::SimulateArgs;
