//! Which engine a server is, by what it answers before any load.

use super::error::AppError;
use super::place::{http_options, simulated};
use super::server::unless_stopped;
use super::watch::Watcher;
use crate::config::{Origin, Resolved};
use crate::engine::Stop;
use crate::protocol::{Adapter, Clues};
use crate::transport::{Address, Control, Looked};

/// The same settings with the engine in them, where they leave it open and the server shows it. A server that cannot be
/// reached is for whoever opens it to report.
pub(super) async fn recognise(
    resolved: &Resolved,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<Option<Resolved>, AppError> {
    let plan = &resolved.plan;
    let url = plan.target.base_url();
    if plan.adapter.is_some() || plan.target.launch.is_some() || simulated(url).is_some() {
        return Ok(None);
    }
    let Ok(address) = Address::parse(url) else { return Ok(None) };
    let (address, _) = address.reached();
    let options = http_options(&plan.target, address, resolved.api_key.as_ref(), plan);
    let control = Control::new(&options)?;
    let asked = async { Ok(ask(&control).await) };
    let Some(adapter) = unless_stopped(stop, asked).await? else { return Ok(None) };
    let mut known = resolved.clone();
    known.plan.adapter = Some(adapter);
    let left_open =
        |key: &str| resolved.values.iter().any(|entry| entry.key == key && entry.origin == Origin::Default);
    if left_open("api") {
        known.plan.api = adapter.default_api();
    }
    watcher.note(&format!(
        "the server is {} by its answers, asked over --api {} (--adapter names another)",
        adapter.title(),
        known.plan.api.id()
    ));
    Ok(Some(known))
}

/// Looks at one place after the other until one tells.
async fn ask(control: &Control) -> Option<Adapter> {
    let mut clues = Clues::default();
    for path in ["/v1/models", "/v2", "/info", "/"] {
        let Ok(looked) = control.look(path).await else { return None };
        note(&mut clues, path, looked);
        if let Some(adapter) = Adapter::recognised(&clues) {
            return Some(adapter);
        }
    }
    None
}

fn note(clues: &mut Clues, path: &str, looked: Looked) {
    clues.server = clues.server.take().or_else(|| looked.header("server").map(str::to_owned));
    let Looked { status, headers, body } = looked;
    clues.headers.extend(headers.into_iter().map(|(name, _)| name));
    let body = Some(body).filter(|_| (200..300).contains(&status));
    match path {
        "/v1/models" => clues.models = body,
        "/v2" => clues.v2 = body,
        "/info" => clues.info = body,
        _ => clues.root = body,
    }
}
