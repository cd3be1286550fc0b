//! One use case per file; here the edges are introduced to each other.

mod action;
mod bisect;
mod dcgm;
mod doctor;
mod documents;
mod error;
mod evidence;
mod gate;
mod gpu;
mod history;
mod info;
mod launching;
mod measure;
mod measurement;
mod merge;
mod noise;
mod observe;
mod outputs;
mod place;
mod planning;
mod preflight;
mod prepare;
mod recognise;
mod recorder;
mod rejudge;
mod rounds;
mod run;
mod scrape;
mod search;
mod server;
mod settings;
mod sight;
mod simulate;
mod stage;
mod start;
mod strain;
mod watch;

pub use action::{Ending, Finished, Offered, Runner, Step, action_plan};
pub use bisect::{BisectAsk, Bisected, Judge, Outcome, Said, bisect, render_bisected};
pub use doctor::{doctor, render_doctor};
pub use documents::{
    Form, compare, explain, import, import_notes, list, promote, prune, read_result, render, save,
};
pub use error::{AppError, Side};
pub use gate::{Judged, gate};
pub use gpu::{GpuEye, NVML_VARIABLE, no_gpu, render_gpus_now};
pub use history::{HistoryAsk, HistoryForm, confirms, history, render_history, tolerances};
pub use info::{info, render_info_text};
pub use merge::{Merged, merge};
pub use outputs::write;
pub use planning::{Planned, plan, render_forecast};
pub use rejudge::rejudge;
pub use run::run;
pub use settings::settings;
pub use simulate::simulate;
pub use watch::{LevelTitle, Live, Silent, Watcher};
