//! A server in a container, on a network of its own, made and removed over the engine's socket.

mod engine;
mod gpus;
mod leftovers;
mod pull;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, NetworkConnectRequest, NetworkCreateRequest,
};
use bollard::query_parameters::{CreateContainerOptions, LogsOptions};
use futures_util::StreamExt as _;

pub(super) use engine::{Engine, Made};

use super::{LaunchError, Log, Onlooker, alive};
use crate::base::Secret;
use crate::config::Image;
use crate::host::{self, RealClock};
use engine::{Found, alone};

/// What it said last is on its way through the socket.
const LAST_WORDS: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Container {
    engine: Engine,
    made: Made,
    address: String,
    image: String,
    follower: Option<thread::JoinHandle<()>>,
}

impl Container {
    pub(super) async fn start(
        engine: Engine,
        image: &Image,
        env: &[(String, Secret)],
        log: &Log,
        onlooker: &mut Onlooker<'_>,
    ) -> Result<Self, LaunchError> {
        for line in leftovers::remove(&engine).await {
            (onlooker.say)(&line);
        }
        pull::pull(&engine, image, onlooker).await?;
        let made = Made::new(&engine, &name());
        alive::add_container(made.clone());
        let mut container =
            Self { engine, made, address: String::new(), image: image.name.clone(), follower: None };
        match container.make(image, env, onlooker).await {
            Ok(()) => {
                container.follower = follow(container.made.clone(), log.clone());
                Ok(container)
            }
            Err(error) => {
                container.stop(Duration::ZERO);
                Err(error)
            }
        }
    }

    /// Name or address at which its ports are reached from here.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The image that runs, with its digest where it has one.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// How it ended, where it did.
    pub(super) async fn ended(&mut self) -> Option<String> {
        let state = match self.engine.inspect(&self.made.name).await {
            Found::Container(found) => found.state.unwrap_or_default(),
            Found::Nothing => return Some("somebody removed it".to_owned()),
            Found::Unknown => return None,
        };
        if state.running == Some(true) {
            return None;
        }
        let clock = RealClock::start();
        while self.follower.as_ref().is_some_and(|follower| !follower.is_finished())
            && Duration::from(clock.now()) < LAST_WORDS
        {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let mut how = format!("exit code {}", state.exit_code.unwrap_or_default());
        if state.oom_killed == Some(true) {
            how.push_str(", out of memory");
        }
        if let Some(error) = state.error.filter(|error| !error.is_empty()) {
            how = format!("{how}, {error}");
        }
        Some(how)
    }

    /// Stops and removes it with its network.
    pub(super) fn stop(&mut self, grace: Duration) {
        let made = self.made.clone();
        alone(async move { made.remove(Some(grace)).await });
        alive::remove_container(&self.made);
        let clock = RealClock::start();
        while self.follower.as_ref().is_some_and(|follower| !follower.is_finished())
            && Duration::from(clock.now()) < LAST_WORDS
        {
            thread::sleep(LOOK_AGAIN);
        }
    }

    async fn make(
        &mut self,
        image: &Image,
        env: &[(String, Secret)],
        onlooker: &mut Onlooker<'_>,
    ) -> Result<(), LaunchError> {
        let name = self.made.name.clone();
        let engine = &self.engine;
        let docker = &engine.docker;
        let labels: Vec<(String, String)> = leftovers::labels(engine);
        let network = NetworkCreateRequest {
            name: name.clone(),
            labels: Some(labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        docker.create_network(network).await.map_err(|error| engine.failed("make a network", &error))?;
        if let Some(me) = &self.made.me {
            let request = NetworkConnectRequest {
                container: me.clone(),
                endpoint_config: Some(EndpointSettings::default()),
            };
            let connected = docker.connect_network(&name, request).await;
            connected.map_err(|error| engine.failed("join the server's network", &error))?;
        }
        let gpus = gpus::request(&image.gpus, &docker.info().await.unwrap_or_default());
        (onlooker.say)(&gpus.sentence);
        let body = ContainerCreateBody {
            image: Some(image.name.clone()),
            cmd: (!image.args.is_empty()).then(|| image.args.clone()),
            env: Some(env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()),
            labels: Some(labels.into_iter().collect()),
            host_config: Some(HostConfig {
                network_mode: Some(name.clone()),
                shm_size: i64::try_from(image.shm_bytes).ok(),
                binds: Some(image.volumes.clone()),
                device_requests: gpus.request.map(|request| vec![request]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options =
            CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
        let created = docker.create_container(Some(options), body).await;
        created.map_err(|error| engine.failed("make the container", &error))?;
        let started = docker.start_container(&name, None).await;
        started.map_err(|error| engine.failed("start the container", &error))?;
        let Found::Container(found) = engine.inspect(&name).await else {
            return Err(LaunchError::Start("the container was gone as soon as it had started".to_owned()));
        };
        self.image = engine.digest(&image.name, found.image.as_deref()).await;
        let networks = found.network_settings.and_then(|settings| settings.networks);
        let own = networks.and_then(|mut networks| networks.remove(&name));
        let address = own.and_then(|own| own.ip_address).filter(|address| !address.is_empty());
        self.address = match (&self.made.me, address) {
            (Some(_), _) => name,
            (None, Some(address)) => address,
            // One that ended at once has none; its end is told when it is waited for.
            (None, None) => "127.0.0.1".to_owned(),
        };
        Ok(())
    }
}

/// Unlike any other on this engine.
fn name() -> String {
    static STARTS: AtomicU32 = AtomicU32::new(1);
    let millisecond = host::epoch().0 / 1_000_000;
    format!("llm-loadtest-{millisecond:x}-{}-{}", std::process::id(), STARTS.fetch_add(1, Relaxed))
}

/// Copies what it says into the log, on a thread that ends with it.
fn follow(made: Made, log: Log) -> Option<thread::JoinHandle<()>> {
    let copy = async move {
        let Ok(docker) = made.docker() else { return };
        let options = LogsOptions {
            follow: true,
            stdout: true,
            stderr: true,
            tail: "all".to_owned(),
            ..LogsOptions::default()
        };
        let mut said = docker.logs(&made.name, Some(options));
        while let Some(Ok(piece)) = said.next().await {
            log.write(piece.as_ref());
        }
    };
    thread::Builder::new().name("server-log".to_owned()).spawn(|| drop(engine::run(copy))).ok()
}
