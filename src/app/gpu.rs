//! `gpu`: this machine's GPUs, as NVML sees them now.

use std::path::Path;

use super::documents::WIDTH;
use super::error::AppError;
use crate::document::v1::{GpuNowDocument, GpusDocument};
use crate::host::RealClock;
use crate::report::console::{Style, render_gpus};
use crate::telemetry::{GpuFacts, Gpus};

/// The environment's word for the NVML library, where no flag says it.
pub const NVML_VARIABLE: &str = "LLM_LOADTEST_NVML";

/// NVML, or why there is none.
pub struct GpuEye(Result<Gpus, String>);

impl GpuEye {
    /// Loads the system's library, or the one named.
    pub fn open(library: Option<&Path>) -> Self {
        Self(Gpus::open(library))
    }

    /// What is to be seen now. Without a driver, only why.
    pub fn look(&self) -> GpusDocument {
        let empty = GpusDocument::empty(env!("CARGO_PKG_VERSION"), &RealClock::wall());
        match &self.0 {
            Err(why) => GpusDocument { notes: vec![why.clone()], ..empty },
            Ok(gpus) => {
                let GpuFacts { driver, cuda, gpus: _, note: _ } = gpus.facts();
                let (found, notes) = gpus.now();
                let none = found.is_empty() && notes.is_empty();
                let none = none.then(|| "the NVIDIA driver shows no GPU to this process".to_owned());
                let notes = notes.into_iter().chain(none).collect();
                GpusDocument {
                    driver,
                    cuda,
                    gpus: found.iter().map(GpuNowDocument::from).collect(),
                    notes,
                    ..empty
                }
            }
        }
    }
}

/// One look as text.
pub fn render_gpus_now(gpus: &GpusDocument, colour: bool) -> String {
    render_gpus(gpus, Style { color: colour, width: WIDTH })
}

/// What a caller that must have a GPU is told where there is none.
pub fn no_gpu(gpus: &GpusDocument) -> Option<AppError> {
    gpus.gpus.is_empty().then(|| {
        AppError::environment(
            format!("no GPU is visible here: {}", gpus.notes.join("; ")),
            "install NVIDIA's driver, or give this container the GPUs (docker run --gpus all)",
        )
    })
}
