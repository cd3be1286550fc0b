//! Servers that are started: where their log goes, whom they must not be mistaken for, when they are ready.

use std::path::PathBuf;

use super::error::{AppError, Side};
use super::watch::Watcher;
use crate::base::Secret;
use crate::config::{Launch, Outputs, Resolved, Starter};
use crate::engine::Stop;
use crate::host::RealClock;
use crate::launch::{LaunchError, Launched, Log, Onlooker, Wait};
use crate::record::Arm;
use crate::transport::{Address, Control};

/// Where there is nothing else to ask: most engines have the first, all have the second.
const READY: [&str; 2] = ["/health", "/v1/models"];

/// Starts the server of a side for a round.
pub(super) async fn start(
    launch: &Launch,
    url: &str,
    (arm, round): (Arm, u64),
    outputs: &Outputs,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<Launched, AppError> {
    if let Starter::Command(_) = launch.starter
        && let Ok(address) = Address::parse(url)
        && address.is_open()
    {
        return Err(AppError::environment(
            format!(
                "{} is in use before the server is started, so another server would be measured",
                address.authority()
            ),
            "end what listens there, or write {port} in the command and its URL",
        ));
    }
    let side = match arm {
        Arm::Candidate => "the server",
        Arm::Baseline => "the baseline's server",
    };
    let what = match &launch.starter {
        Starter::Command(line) => line,
        Starter::Image(image) => &image.name,
    };
    let title = format!("{}: start of {side} for round {round}: {what}", RealClock::wall());
    let secrets: Vec<Secret> = launch.env.iter().map(|(_, value)| value.clone()).collect();
    let log = Log::open(&log_path(outputs, arm), &title, secrets)?;
    let mut onlooker = Onlooker { say: &mut |text| watcher.note(text), is_stopped: &|| stop.is_draining() };
    Ok(Launched::start(launch, log, &mut onlooker).await?)
}

/// Waits until a server answers.
pub(super) async fn await_ready(
    launched: &mut Launched,
    launch: &Launch,
    address: &Address,
    control: &Control,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<(), AppError> {
    let urls: Vec<String> = match &launch.ready {
        Some(url) if url.contains("://") => vec![launched.fill(url)],
        Some(path) => vec![format!("{}{path}", address.url())],
        None => READY.iter().map(|path| format!("{}{path}", address.url())).collect(),
    };
    let clock = RealClock::start();
    let ask = async |url: &str| control.status(url).await;
    let wait = Wait { urls: &urls, timeout: launch.timeout };
    let mut onlooker = Onlooker { say: &mut |text| watcher.note(text), is_stopped: &|| stop.is_draining() };
    launched.ready(wait, ask, &mut onlooker).await?;
    watcher.note(&format!("the server is ready after {:.1} s", clock.now().secs()));
    Ok(())
}

/// Each start of a run adds to the log; what an older run left is none of its business.
pub(super) fn forget_logs(resolved: &Resolved) -> Result<(), AppError> {
    let baseline = resolved.plan.baseline.as_ref().and_then(|baseline| baseline.launch.as_ref());
    for (arm, launch) in [(Arm::Candidate, resolved.plan.target.launch.as_ref()), (Arm::Baseline, baseline)] {
        if launch.is_some() {
            Log::forget(&log_path(&resolved.outputs, arm))?;
        }
    }
    Ok(())
}

/// Beside the result.
pub(super) fn log_path(outputs: &Outputs, arm: Arm) -> PathBuf {
    outputs.result.with_file_name(match arm {
        Arm::Candidate => "server.log",
        Arm::Baseline => "baseline-server.log",
    })
}

impl From<LaunchError> for AppError {
    fn from(error: LaunchError) -> Self {
        let side = match error {
            LaunchError::Interrupted => Side::Interrupted,
            LaunchError::Start(_)
            | LaunchError::Log { .. }
            | LaunchError::Engine { .. }
            | LaunchError::Ended { .. }
            | LaunchError::NotReady { .. } => Side::Environment,
        };
        Self { side, message: error.to_string(), hint: Some(error.hint()) }
    }
}
