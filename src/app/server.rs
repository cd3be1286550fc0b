//! The server under test, opened: its address, its model, what is known of the machine.

use std::path::PathBuf;
use std::time::Duration;

use super::error::AppError;
use super::launching;
use super::place::{Found, find};
use super::sight::Sight;
use super::watch::Watcher;
use crate::base::Hint;
use crate::config::{BaselineServer, Launch, Resolved, RunPlan};
use crate::document::v1::Key;
use crate::engine::Stop;
use crate::host::{self, MachineFacts};
use crate::launch::Launched;
use crate::protocol::models::Listing;
use crate::record::{Arm, Environment};
use crate::simulator::http::Simulator;
use crate::telemetry::GpuFacts;
use crate::transport::{Address, Control, ControlError, HttpError, HttpOptions};

/// Ready to be loaded, unless it sleeps. Dropping it stops what it started.
pub(super) struct Server {
    /// In the plan's order, the main one first.
    pub(super) servers: Vec<HttpOptions>,
    pub(super) model: String,
    /// What it listed.
    pub(super) listed: Vec<String>,
    pub(super) environment: Environment,
    /// This machine's GPUs, where they may be the server's.
    pub(super) gpus: Sight,
    held: Held,
    restarts: bool,
    /// The round that it was started for.
    round: u64,
    used: bool,
}

/// What was started for it.
enum Held {
    Nothing,
    Simulators(#[expect(dead_code, reason = "held to be dropped")] Vec<Simulator>),
    Launched(Box<Launched>),
    /// What was started has been stopped again.
    Asleep,
}

impl Server {
    /// Whether every round gets a fresh start of the server.
    pub(super) fn restarts(&self) -> bool {
        self.restarts
    }

    /// Whether a round can have it as it is, if it is to have a fresh start.
    pub(super) fn is_fresh(&self, round: u64) -> bool {
        !self.used
            && match self.held {
                Held::Launched(_) => true,
                Held::Nothing | Held::Simulators(_) => self.round == round,
                Held::Asleep => false,
            }
    }

    pub(super) fn is_asleep(&self) -> bool {
        matches!(self.held, Held::Asleep)
    }

    /// A round was measured on this start.
    pub(super) fn use_up(&mut self) {
        self.used = true;
    }

    /// Stops what was started, and waits for that; all that is known of it stays.
    pub(super) fn sleep(&mut self) {
        if !matches!(self.held, Held::Nothing) {
            self.held = Held::Asleep;
        }
    }

    /// There is less time for its end than usual.
    pub(super) fn hurry(&mut self) {
        if let Held::Launched(launched) = &mut self.held {
            launched.hurry();
        }
    }

    /// Where its log is written: by us where we started it, else where the plan says.
    pub(super) fn log(&self, plan: &RunPlan) -> Option<PathBuf> {
        match &self.held {
            Held::Launched(launched) => Some(launched.log().path()),
            Held::Nothing | Held::Simulators(_) | Held::Asleep => plan.target.log.clone(),
        }
    }

    /// How a server that we started ended by itself, and where its log is.
    pub(super) async fn ended(&mut self) -> Option<(String, PathBuf)> {
        let Held::Launched(launched) = &mut self.held else { return None };
        Some((launched.ended().await?, launched.log().path()))
    }
}

/// What baselines and ledgers of a plan on a server go by.
pub(super) fn key(plan: &RunPlan, server: &Server) -> Key {
    Key {
        workload: plan.name.clone(),
        model: server.model.clone(),
        hardware: server.environment.hardware.clone(),
        workload_hash: plan.workload_hash(),
    }
}

/// Finds or starts the servers of one side, asks the main one for its models, and picks the plan's or the only one.
/// `round` is what they are started for; each start of a simulated server has a shock of its own.
pub(super) async fn open(
    resolved: &Resolved,
    arm: Arm,
    round: u64,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<Server, AppError> {
    let plan = &resolved.plan;
    let Ends { urls, model: asked_model, launch } = ends(plan, arm);
    let start = if arm == Arm::Baseline { round + BASELINE_STARTS } else { round };
    let main = urls.first().map_or("", String::as_str);
    let mut launched = match launch {
        Some(launch) => {
            let watch: (&mut dyn Watcher, &Stop) = (&mut *watcher, stop);
            Some(launching::start(launch, main, (arm, round), &resolved.outputs, watch).await?)
        }
        None => None,
    };
    let urls: Vec<String> = urls
        .iter()
        .map(|url| launched.as_ref().map_or_else(|| url.clone(), |launched| launched.fill(url)))
        .collect();
    let Found { servers, simulators, route } = find(resolved, &urls, start)?;
    let Some(options) = servers.first() else {
        return Err(AppError::usage("no server is given", "add --server http://localhost:8000"));
    };
    let control = Control::new(options)?;
    if let (Some(launched), Some(launch)) = (&mut launched, launch) {
        launching::await_ready(launched, launch, &options.address, &control, (watcher, stop)).await?;
    }
    let (names, server) = if plan.api.is_grpc() {
        (Err("it is not asked for over gRPC".to_owned()), None)
    } else {
        let listing = Listing::of(plan.api);
        unless_stopped(stop, offered(&control, listing, &options.address, asked_model)).await?
    };
    let listed = names.clone().unwrap_or_default();
    let model = choose(asked_model, names)?;
    let network_path = match (route, launched.as_ref().and_then(Launched::image)) {
        (None, _) => "simulated",
        (_, Some(_)) => "bridge",
        (Some(route), None) => route.id(),
    };
    let gpus = Sight::of(&plan.target, network_path);
    let environment = Environment {
        server,
        image: launched.as_ref().and_then(Launched::image).map(str::to_owned),
        network_path: network_path.to_owned(),
        model: model.clone(),
        ..environment(plan, main, network_path, host::machine(), gpus.facts())
    };
    let held = match launched {
        Some(launched) => Held::Launched(Box::new(launched)),
        None if simulators.is_empty() => Held::Nothing,
        None => Held::Simulators(simulators),
    };
    let restarts = match held {
        Held::Launched(_) => plan.baseline.as_ref().is_some_and(|baseline| baseline.in_turn),
        Held::Simulators(_) => true,
        Held::Nothing | Held::Asleep => false,
    };
    Ok(Server { servers, model, listed, environment, gpus, held, restarts, round, used: false })
}

/// The names of the models that a server lists, or why its list is unreadable; and what it calls itself.
type Offer = (Result<Vec<String>, String>, Option<String>);

async fn offered(
    control: &Control,
    listing: Listing,
    address: &Address,
    asked: Option<&str>,
) -> Result<Offer, AppError> {
    match control.models(listing).await {
        Ok(answer) => Ok((listing.parse(answer.body.as_bytes()), answer.server)),
        // Some servers have no list; with a model named, the first request tells.
        Err(ControlError::Refused { status: 404 | 405 | 500 | 501, .. }) if asked.is_some() => {
            Ok((Ok(Vec::new()), None))
        }
        Err(error @ ControlError::Unreachable { .. }) => {
            let advice = address.advice().map(Hint::new);
            let error = AppError::from(error);
            Err(AppError { hint: advice.or(error.hint), ..error })
        }
        Err(error) => Err(error.into()),
    }
}

/// What comes of it, or an error as soon as the run is to stop: a server may leave every question unanswered.
pub(super) async fn unless_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let stopped = async {
        while !stop.is_draining() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = stopped => Err(AppError::interrupted()),
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Starts of a simulated baseline are counted from here, so that no two starts of a gate are alike.
const BASELINE_STARTS: u64 = 1 << 32;

/// What the plan says of one side.
struct Ends<'a> {
    urls: &'a [String],
    model: Option<&'a str>,
    launch: Option<&'a Launch>,
}

fn ends(plan: &RunPlan, arm: Arm) -> Ends<'_> {
    match (arm, &plan.baseline) {
        (Arm::Baseline, Some(BaselineServer { base_urls, model, launch, in_turn: _ })) => Ends {
            urls: base_urls,
            model: model.as_deref().or(plan.model.as_deref()),
            launch: launch.as_ref(),
        },
        _ => Ends {
            urls: &plan.target.base_urls,
            model: plan.model.as_deref(),
            launch: plan.target.launch.as_ref(),
        },
    }
}

/// The model that was asked for, or the only one there is. A name that the server does not list may still be served
/// (aliases, adapters), so that is for the preflight request to find out.
fn choose(asked: Option<&str>, offered: Result<Vec<String>, String>) -> Result<String, AppError> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    let names = offered.map_err(|why| {
        AppError::usage(
            format!("the server's list of models is unreadable: {why}"),
            "name the model with --model",
        )
    })?;
    match names.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(AppError::usage("the server lists no model", "name one with --model")),
        several => Err(AppError::usage(
            format!("the server has several models: {}", several.join(", ")),
            "choose one with --model",
        )),
    }
}

/// What is known without asking the server.
fn environment(
    plan: &RunPlan,
    url: &str,
    network_path: &str,
    machine: MachineFacts,
    facts: GpuFacts,
) -> Environment {
    let GpuFacts { gpus, driver, cuda: _, note: _ } = facts;
    let hardware = match (&plan.target.hardware, gpus.first()) {
        (Some(named), _) => named.clone(),
        (None, _) if network_path == "simulated" => profile(url),
        (None, Some(gpu)) => format!("{}x {}", gpus.len(), gpu.name),
        (None, None) => "unknown".to_owned(),
    };
    Environment {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        os: machine.os,
        cpu: machine.cpu,
        cpu_cores: machine.cpu_cores,
        memory_bytes: machine.memory_bytes,
        container: machine.container,
        gpus,
        gpu_driver: driver,
        hardware,
        ..Environment::default()
    }
}

/// `sim:h100-8b?ttft=+30%` runs on `sim:h100-8b`, planted changes or not.
fn profile(url: &str) -> String {
    url.split('?').next().unwrap_or(url).to_owned()
}

impl From<ControlError> for AppError {
    fn from(error: ControlError) -> Self {
        let Hint(hint) = error.hint();
        match error {
            ControlError::Options(_) | ControlError::Refused { status: 400..=499, .. } => {
                Self::usage(error.to_string(), hint)
            }
            _ => Self::environment(error.to_string(), hint),
        }
    }
}

impl From<HttpError> for AppError {
    fn from(error: HttpError) -> Self {
        ControlError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_model_is_taken_and_several_are_listed() {
        let offered = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(choose(None, offered(&["a"])), Ok("a".to_owned()));
        assert_eq!(choose(Some("z"), offered(&["a", "b"])), Ok("z".to_owned()));
        let words = |answer: Result<String, AppError>| answer.unwrap_err().message;
        assert!(words(choose(None, offered(&["a", "b"]))).contains("a, b"));
        assert!(words(choose(None, offered(&[]))).contains("lists no model"));
        assert!(words(choose(None, Err("not JSON".to_owned()))).contains("not JSON"));
    }
}
