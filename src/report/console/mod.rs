//! A result on a terminal or in a log; meaning survives without colour.

mod doctor;
mod forecast;
mod gate;
mod gpus;
pub mod history;
mod info;
mod recommend;
mod run;
mod search;
mod style;

pub use doctor::render_doctor;
pub use forecast::render_forecast;
pub use gpus::render_gpus;
pub use info::render_info;
pub use recommend::render_recommendation;
pub use style::Style;

use super::cell::gates;
use super::found::origin;
use crate::document::v1::RunDocument;

/// The whole text: the verdict or the search's answer where there is one, else the measured numbers; findings last. Ends with a newline.
pub fn render(run: &RunDocument, style: Style) -> String {
    let mut out = Vec::new();
    match &run.verdict {
        Some(verdict) => {
            gate::write(&mut out, run, verdict, style);
            // Where nothing could be judged, the numbers themselves are what the run was good for.
            if !verdict.cells.iter().any(gates) {
                out.push(String::new());
                run::write(&mut out, run, style);
            }
        }
        None => match &run.search {
            Some(search) => search::write(&mut out, run, search, style),
            None => run::write(&mut out, run, style),
        },
    }
    style::findings(&mut out, &run.findings, style);
    out.push(String::new());
    out.join("\n")
}

/// What there is to say about a result that was read from another tool's files, for whoever reads them.
pub fn notes(run: &RunDocument) -> String {
    let mut out = Vec::new();
    out.extend(run.imported.as_ref().map(|imported| format!("read as {}", origin(imported))));
    style::findings(&mut out, &run.findings, Style { color: false, width: 0 });
    out.join("\n")
}
