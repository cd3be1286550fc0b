//! `doctor`: looks at a server as an expert would, and says what to do.

use super::args::DoctorArgs;
use super::exit::Exit;
use super::load;
use super::printer;
use super::progress::Progress;
use crate::app::{self, AppError};
use crate::config::Purpose;
use crate::host::{env, files};
use crate::report;

/// Succeeds unless something does not work at all.
pub(super) fn doctor(args: &DoctorArgs) -> Result<Exit, AppError> {
    let environment = env::vars();
    let resolved = app::settings(Purpose::Run, args.flags(), environment.clone())?;
    let outputs = &resolved.outputs;
    let document = load::attentive_runtime()?.block_on(async {
        let mut progress = Progress::new(load::printer(outputs, &environment));
        let stop = load::listen(progress.voice());
        app::doctor(&resolved, args.clients, &mut progress, &stop).await
    })?;
    if let Some(path) = &outputs.markdown {
        files::write_atomic(path, report::markdown::render_doctor(&document).as_bytes())?;
    }
    if outputs.print.json || !outputs.print.quiet || document.has_failed() {
        printer::data(&app::render_doctor(&document, outputs.print.json, load::colour()));
    }
    Ok(if document.has_failed() { Exit::Environment } else { Exit::Success })
}
