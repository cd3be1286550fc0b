//! `gpu`: one look at the GPUs, or one after the other until somebody has seen enough.

use std::path::PathBuf;

use super::args::GpuArgs;
use super::exit::Exit;
use super::first::AtWork;
use super::load;
use super::printer;
use crate::app::{self, AppError, GpuEye};
use crate::document::v1::GpusDocument;
use crate::host::{env, signals};

pub(super) fn gpu(args: &GpuArgs) -> Result<Exit, AppError> {
    let _at_work = AtWork::begin();
    let eye = GpuEye::open(library(args.nvml.clone()).as_deref());
    let first = eye.look();
    if args.require
        && let Some(error) = app::no_gpu(&first)
    {
        return Err(error);
    }
    let read_on = show(&first, args);
    match args.watch {
        // Where there is nothing to see there is nothing to wait for.
        Some(interval) if read_on && !first.gpus.is_empty() => load::runtime()?.block_on(async {
            let mut interrupted = Box::pin(signals::interrupted());
            let mut left = args.count.map(|count| count.saturating_sub(1));
            while left != Some(0) {
                tokio::select! {
                    () = &mut interrupted => break,
                    () = tokio::time::sleep(interval.into()) => {}
                }
                if !show(&eye.look(), args) {
                    break;
                }
                left = left.map(|left| left - 1);
            }
        }),
        _ => {}
    }
    Ok(Exit::Success)
}

/// What a flag names, else what the environment names.
pub(super) fn library(flag: Option<PathBuf>) -> Option<PathBuf> {
    flag.or_else(|| env::vars().get(app::NVML_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// False when nobody reads any more.
fn show(gpus: &GpusDocument, args: &GpuArgs) -> bool {
    printer::data(&match (args.json, args.watch) {
        (true, None) => gpus.to_json(),
        (true, Some(_)) => gpus.to_line(),
        (false, _) => app::render_gpus_now(gpus, load::colour()),
    })
}
