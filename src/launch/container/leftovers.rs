//! What a killed run left on the engine, told from what others use by labels.

use bollard::query_parameters::{ListContainersOptions, ListNetworksOptions};

use super::engine::{Engine, Found, Made};
use crate::host;

/// On everything that we make; nothing without it is ever touched.
const MARK: &str = "llm-loadtest.server";
/// Whose work it is: a repository, or a folder.
const WORKSPACE: &str = "llm-loadtest.workspace";
/// Who made it, so that it can be seen whether they are still there.
const OWNER: &str = "llm-loadtest.owner";

/// The labels of what this run makes.
pub(super) fn labels(engine: &Engine) -> Vec<(String, String)> {
    [(MARK, "1".to_owned()), (WORKSPACE, workspace()), (OWNER, owner(engine.own.as_deref()))]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

/// Removes what runs of this workspace left behind whose makers are gone; one line for each.
pub(super) async fn remove(engine: &Engine) -> Vec<String> {
    let filter = || {
        let labels = vec![format!("{MARK}=1"), format!("{WORKSPACE}={}", workspace())];
        Some([("label".to_owned(), labels)].into_iter().collect())
    };
    let options = ListContainersOptions { all: true, filters: filter(), ..ListContainersOptions::default() };
    let containers = engine.docker.list_containers(Some(options)).await.unwrap_or_default();
    let containers = containers.into_iter().filter_map(|container| {
        let name = container.names?.first()?.trim_start_matches('/').to_owned();
        Some((name, container.labels?.remove(OWNER)?))
    });
    let options = ListNetworksOptions { filters: filter() };
    let networks = engine.docker.list_networks(Some(options)).await.unwrap_or_default();
    let networks =
        networks.into_iter().filter_map(|network| Some((network.name?, network.labels?.remove(OWNER)?)));
    let mut found: Vec<(String, String)> = containers.chain(networks).collect();
    // A container and its network have one name.
    found.sort();
    found.dedup();
    let mut lines = Vec::new();
    for (name, owner) in found {
        if is_gone(engine, &owner).await {
            Made::new(engine, &name).remove(None).await;
            lines.push(format!("removed {name}, a server that a run which was killed had left behind"));
        }
    }
    lines
}

fn workspace() -> String {
    let folder = || std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default();
    host::env::vars().remove("GITHUB_REPOSITORY").unwrap_or_else(folder)
}

/// A container, or a process with the time of its start: numbers of processes come back.
pub(super) fn owner(own: Option<&str>) -> String {
    match own {
        Some(id) => format!("container {id}"),
        None => process(std::process::id()).unwrap_or_default(),
    }
}

fn process(id: u32) -> Option<String> {
    let line = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // proc(5): its start is the 22nd field, the 20th behind the name.
    let began = line.rsplit_once(") ")?.1.split(' ').nth(19)?;
    Some(format!("{}{id} {began}", seen()?))
}

/// What every process begins with that is seen from here: those of another container have numbers of their own.
fn seen() -> Option<String> {
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("process {} ", namespace.display()))
}

/// In doubt somebody is there.
async fn is_gone(engine: &Engine, owner: &str) -> bool {
    if let Some(id) = owner.strip_prefix("container ") {
        return match engine.inspect(id).await {
            Found::Container(found) => found.state.and_then(|state| state.running) == Some(false),
            Found::Nothing => true,
            Found::Unknown => false,
        };
    }
    let id = seen().and_then(|seen| owner.strip_prefix(&seen)?.split(' ').next()?.parse().ok());
    id.is_some_and(|id| process(id).as_deref() != Some(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let me = owner(None);
        assert!(me.contains(&format!(" {} ", std::process::id())), "{me}");
        assert_eq!(process(std::process::id()).as_deref(), Some(me.as_str()));
        assert_eq!(owner(Some("abc")), "container abc");
    }
}
