//! What the command line declares; nothing here performs anything.

mod action;
mod analyze;
mod baseline;
mod bisect;
mod comment;
mod compare;
mod doctor;
mod gate;
mod gpu;
mod history;
mod import;
mod info;
mod init;
mod load;
mod merge;
mod plan;
mod recommend;
mod report;
mod root;
mod run;
mod serve;
mod simulate;
#[cfg(test)]
mod tests;

pub use action::ActionArgs;
pub use analyze::{AnalysisFormat, AnalyzeArgs, Language};
pub use baseline::{BaselineArgs, BaselineCommand};
pub use bisect::BisectArgs;
pub use comment::CommentArgs;
pub use compare::CompareArgs;
pub use doctor::DoctorArgs;
pub use gate::GateArgs;
pub use gpu::GpuArgs;
pub use history::{HistoryArgs, HistoryFormat};
pub use import::{ImportArgs, Tool};
pub use info::InfoArgs;
pub use init::InitArgs;
pub use load::{ActionFlags, CommentFlags, ConfirmFlags, DoctorFlags, GateFlags, LoadFlags, SearchFlags};
pub use merge::MergeArgs;
pub use plan::PlanArgs;
pub use recommend::{AskedLoad, NumberFlags, RecommendArgs, RecommendFormat};
pub use report::{Format, ReportArgs};
pub use root::{Cli, Command};
pub use run::RunArgs;
pub use serve::{KeyCommand, LogForm, LogLevel, RetentionArgs, ServeArgs, ServeCommand};
pub use simulate::SimulateArgs;
