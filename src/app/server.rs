//! The server under test, opened: its address, its model, what is known of the machine.

use super::error::AppError;
use crate::base::{Hint, Secret, Seed};
use crate::config::{BaselineServer, RunPlan, Target};
use crate::document::v1::Key;
use crate::host;
use crate::protocol::models;
use crate::record::{Arm, Environment};
use crate::simulator::http::Simulator;
use crate::simulator::model::SimSpec;
use crate::telemetry::{self, GpuFacts};
use crate::transport::{Address, Control, ControlError, HttpError, HttpOptions, TlsOptions};

/// Ready to be loaded. Dropping it stops a simulator that it started.
pub(super) struct Server {
    /// In the plan's order, the main one first.
    pub(super) servers: Vec<HttpOptions>,
    pub(super) model: String,
    /// What `/v1/models` listed.
    pub(super) listed: Vec<String>,
    pub(super) environment: Environment,
    simulators: Vec<Simulator>,
}

impl Server {
    /// Whether every round gets a fresh start of the server.
    pub(super) fn restarts(&self) -> bool {
        !self.simulators.is_empty()
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

/// What `--server` names.
enum Place {
    Simulated(Box<SimSpec>),
    Address(Address),
}

/// Finds the servers of one side, asks the main one for its models, and picks the plan's or the only one.
/// `start` counts the starts of a simulated server, each with a shock of its own.
pub(super) async fn open(
    plan: &RunPlan,
    arm: Arm,
    key: Option<&Secret>,
    start: u64,
) -> Result<Server, AppError> {
    let (urls, asked_model) = side(plan, arm);
    let start = if arm == Arm::Baseline { start + BASELINE_STARTS } else { start };
    let mut servers = Vec::new();
    let mut simulators = Vec::new();
    for (at, url) in (0..).zip(urls) {
        let address = match place(url, plan.seed, at)? {
            Place::Address(address) => address,
            Place::Simulated(spec) => {
                let simulator = Simulator::start(*spec, start)
                    .map_err(|error| AppError::environment(error.to_string(), "free a port on 127.0.0.1"))?;
                let address = Address::parse(simulator.base_url())
                    .map_err(|error| AppError::environment(error.to_string(), "report this as a bug"))?;
                simulators.push(simulator);
                address
            }
        };
        servers.push(http_options(&plan.target, address, key, plan));
    }
    let Some(options) = servers.first() else {
        return Err(AppError::usage("no server is given", "add --server http://localhost:8000"));
    };
    let asked = Control::new(options)?.models().await;
    let (names, server) = match asked {
        Ok(answer) => (models::parse(answer.body.as_bytes()), answer.server),
        // Some servers have no list; with a model named, the first request tells.
        Err(ControlError::Refused { status: 404 | 405 | 500 | 501, .. }) if asked_model.is_some() => {
            (Ok(Vec::new()), None)
        }
        Err(error) => return Err(error.into()),
    };
    let listed = names.clone().unwrap_or_default();
    let model = choose(asked_model, names)?;
    let url = urls.first().map_or("", String::as_str);
    let environment = environment(plan, url, &options.address, &model, server);
    Ok(Server { servers, model, listed, environment, simulators })
}

/// Starts of a simulated baseline are counted from here, so that no two starts of a gate are alike.
const BASELINE_STARTS: u64 = 1 << 32;

/// The addresses of a side, and its name for the model.
fn side(plan: &RunPlan, arm: Arm) -> (&[String], Option<&str>) {
    match (arm, &plan.baseline) {
        (Arm::Baseline, Some(BaselineServer { base_urls, model })) => {
            (base_urls, model.as_deref().or(plan.model.as_deref()))
        }
        _ => (&plan.target.base_urls, plan.model.as_deref()),
    }
}

/// Of the address that stands at `at` in the plan: simulated servers side by side have noise of their own.
fn place(url: &str, seed: Seed, at: u64) -> Result<Place, AppError> {
    if let Some(text) = simulated(url) {
        let spec = SimSpec::parse(text).map_err(|error| {
            AppError::usage(error.to_string(), "for example --server 'sim:h100-8b?ttft=+30%'")
        })?;
        let session = seed.child("session");
        return Ok(Place::Simulated(Box::new(
            spec.with_session(if at == 0 { session } else { session.at(at) }.0),
        )));
    }
    Address::parse(url).map(Place::Address).map_err(|error| {
        let hint = error.hint().0;
        AppError::usage(error.to_string(), hint)
    })
}

/// The part of a `sim:` target that names profile and parameters.
pub(super) fn simulated(url: &str) -> Option<&str> {
    if url == "sim" { Some("") } else { url.strip_prefix("sim:") }
}

fn http_options(target: &Target, address: Address, key: Option<&Secret>, plan: &RunPlan) -> HttpOptions {
    HttpOptions {
        address,
        api_key: key.cloned(),
        headers: target.headers.clone(),
        tls: TlsOptions { insecure: target.insecure, cacert: target.cacert.clone() },
        connect_timeout: plan.timeouts.connect,
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

fn environment(
    plan: &RunPlan,
    url: &str,
    address: &Address,
    model: &str,
    server: Option<String>,
) -> Environment {
    let machine = host::machine();
    let network_path = match simulated(url) {
        Some(_) => "simulated",
        None if address.is_loopback() => "loopback",
        None => "network",
    };
    // This machine's GPUs say nothing about a server elsewhere, or about a simulated one.
    let GpuFacts { gpus, driver, note: _ } =
        if network_path == "loopback" { telemetry::gpus() } else { GpuFacts::default() };
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
        server,
        network_path: network_path.to_owned(),
        model: model.to_owned(),
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
