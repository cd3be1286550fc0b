//! The container engine behind its socket, and what we have made there.

use std::collections::BTreeMap;
use std::future::Future;
use std::thread;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, NetworkDisconnectRequest};
use bollard::query_parameters::{RemoveContainerOptions, StopContainerOptions};
use bollard::{API_DEFAULT_VERSION, Docker};

use crate::launch::LaunchError;

/// Where engines listen when nobody says otherwise: Docker, and Podman for root.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];
/// Seconds for one answer of the engine: it may have much to clean up.
const PATIENCE: u64 = 60;

#[derive(Debug)]
pub(in crate::launch) struct Engine {
    pub(super) docker: Docker,
    socket: String,
    /// The container of this engine that we run in.
    pub(super) own: Option<String>,
    /// The same, where it has a network of its own: then it can join others.
    pub(super) me: Option<String>,
}

/// What an engine knows of a container.
pub(super) enum Found {
    Container(Box<ContainerInspectResponse>),
    Nothing,
    /// The engine did not answer.
    Unknown,
}

/// What was made on an engine; enough to remove it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::launch) struct Made {
    socket: String,
    /// Of the container and of its network.
    pub(super) name: String,
    /// Our own container, where it was connected to that network.
    pub(super) me: Option<String>,
}

impl Engine {
    pub(in crate::launch) async fn connect(
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, LaunchError> {
        let said = environment.get("DOCKER_HOST").filter(|text| !text.is_empty());
        let socket = match said.map(|text| (text, text.strip_prefix("unix://"))) {
            Some((_, Some(path))) => path.to_owned(),
            Some((text, None)) => {
                return Err(LaunchError::engine(
                    format!("DOCKER_HOST is {text}, and only sockets of this machine are spoken to"),
                    "write unix:///path/of/the/socket, or start the server yourself and give its URL with --server",
                ));
            }
            None => {
                let there = SOCKETS.iter().find(|path| std::fs::exists(path).unwrap_or(false));
                (*there.unwrap_or(&SOCKETS[0])).to_owned()
            }
        };
        let docker = docker(&socket).map_err(|error| failed(&socket, "reach", &error))?;
        let docker = docker.negotiate_version().await.map_err(|error| failed(&socket, "reach", &error))?;
        let mut engine = Self { docker, socket, own: None, me: None };
        if let Some(id) = own_id()
            && let Found::Container(found) = engine.inspect(&id).await
        {
            let mode = found.host_config.and_then(|host| host.network_mode);
            engine.me = found.id.clone().filter(|_| mode.as_deref() != Some("host"));
            engine.own = found.id;
        }
        Ok(engine)
    }

    pub(super) async fn inspect(&self, name: &str) -> Found {
        match self.docker.inspect_container(name, None).await {
            Ok(found) => Found::Container(Box::new(found)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Found::Nothing,
            Err(_) => Found::Unknown,
        }
    }

    /// The image with its digest: that of a registry, else the one that the engine gave it.
    pub(super) async fn digest(&self, name: &str, id: Option<&str>) -> String {
        let found = self.docker.inspect_image(id.unwrap_or(name)).await.unwrap_or_default();
        let digest = found.repo_digests.unwrap_or_default().into_iter().next();
        match digest.as_deref().and_then(|digest| digest.rsplit_once('@')) {
            Some((_, digest)) if !name.contains('@') => format!("{name}@{digest}"),
            Some(_) => name.to_owned(),
            None => found.id.or(id.map(str::to_owned)).map_or(name.to_owned(), |id| format!("{name} ({id})")),
        }
    }

    /// Something that the engine would not do.
    pub(super) fn failed(&self, what: &str, error: &Error) -> LaunchError {
        failed(&self.socket, what, error)
    }
}

impl Made {
    pub(super) fn new(engine: &Engine, name: &str) -> Self {
        Self { socket: engine.socket.clone(), name: name.to_owned(), me: engine.me.clone() }
    }

    pub(super) fn docker(&self) -> Result<Docker, Error> {
        docker(&self.socket)
    }

    /// Removes container and network without asking the server, from a thread without a runtime.
    pub(in crate::launch) fn remove_now(&self) {
        // Without a runtime it stays, and the next start removes it.
        drop(run(self.remove(None)));
    }

    /// Removes container and network; a grace asks the server to end first. What is gone already is what was wanted.
    pub(super) async fn remove(&self, grace: Option<Duration>) {
        let Ok(docker) = self.docker() else { return };
        let name = &self.name;
        if let Some(grace) = grace {
            let options = StopContainerOptions {
                t: i32::try_from(grace.as_secs()).ok(),
                ..StopContainerOptions::default()
            };
            drop(docker.stop_container(name, Some(options)).await);
        }
        let options = RemoveContainerOptions { v: true, force: true, ..RemoveContainerOptions::default() };
        drop(docker.remove_container(name, Some(options)).await);
        if let Some(me) = &self.me {
            let request = NetworkDisconnectRequest { container: me.clone(), force: Some(true) };
            drop(docker.disconnect_network(name, request).await);
        }
        drop(docker.remove_network(name).await);
    }
}

/// Runs a future to its end on a thread of its own, wherever this is called from.
pub(super) fn alone(work: impl Future<Output = ()> + Send + 'static) {
    // A thread that cannot start leaves things to the next start, which removes leftovers.
    if let Ok(thread) = thread::Builder::new().name("container".to_owned()).spawn(|| drop(run(work))) {
        drop(thread.join());
    }
}

/// Runs a future to its end on this thread.
pub(super) fn run(work: impl Future<Output = ()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work);
    Ok(())
}

fn docker(socket: &str) -> Result<Docker, Error> {
    Docker::connect_with_unix(socket, PATIENCE, API_DEFAULT_VERSION)
}

fn failed(socket: &str, what: &str, error: &Error) -> LaunchError {
    let text = chain(error);
    let hint = if text.contains("ermission denied") {
        format!("let this user write to {socket}: add it to the group that owns it, or run as root")
    } else if what == "reach" {
        "start Docker or Podman, mount its socket where this runs in a container, or name it in DOCKER_HOST; \
         without an engine: --server-command"
            .to_owned()
    } else if text.contains("No such image") {
        "check --server-image, or leave out --server-pull never".to_owned()
    } else {
        "check --server-image, --server-args, --server-volume and --server-gpus; the message is the engine's"
            .to_owned()
    };
    let what = if what == "reach" {
        format!("cannot reach a container engine at {socket}")
    } else {
        format!("cannot {what}")
    };
    LaunchError::engine(format!("{what}: {text}"), hint)
}

/// The innermost words: those of the engine or of the system.
fn chain(error: &Error) -> String {
    if let Error::DockerResponseServerError { message, .. } = error {
        return message.clone();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

/// The id of the container that we run in, as its engine wrote it into our mounts.
fn own_id() -> Option<String> {
    if let Some(id) = std::fs::read_to_string("/proc/self/mountinfo").ok().as_deref().and_then(id_in) {
        return Some(id);
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (name.len() == 12 && name.chars().all(|c| c.is_ascii_hexdigit())).then(|| name.to_owned())
}

/// `/var/lib/docker/containers/ID/hostname /etc/hostname …`
fn id_in(mounts: &str) -> Option<String> {
    let line = mounts.lines().find(|line| line.contains(" /etc/hostname "))?;
    let is_id = |word: &&str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    line.split('/').find(is_id).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_container_is_found_in_the_mounts() {
        let id = "4d5f".repeat(16);
        let mounts = format!(
            "1 2 0:1 / / rw - overlay overlay rw\n3 1 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda rw\n"
        );
        assert_eq!(id_in(&mounts), Some(id));
        assert_eq!(id_in("3 1 8:1 /etc/hostname /etc/hostname rw"), None);
        assert_eq!(id_in(""), None);
    }
}
