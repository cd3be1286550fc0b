//! The machine that asks, and what the server says about itself.

use crate::config::RunPlan;
use crate::diagnosis::{Models, Place, Service};
use crate::host::{RealClock, env, epoch, http_date, limits, network};
use crate::protocol::models::Listing;
use crate::transport::{Control, ControlError, Looked, ModelsAnswer};

/// Variables that name a proxy to curl and to most SDKs.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/// Where engines keep their metrics.
const METRICS: [&str; 4] = ["/metrics", "/metrics/", "/prometheus/metrics", "/v1/metrics"];

/// What this machine allows. `advice` is what to write in place of localhost, where we are in a container.
pub(super) fn place(advice: Option<String>) -> Place {
    let variables = env::vars();
    let set = |name: &&str| {
        let known = [(*name).to_owned(), name.to_ascii_lowercase()];
        known.iter().any(|name| variables.get(name).is_some_and(|text| !text.is_empty()))
    };
    Place {
        proxies: PROXIES.iter().filter(|name| set(name)).map(|name| (*name).to_owned()).collect(),
        open_files: limits::open_files(),
        ports: limits::local_ports(),
        container: network::is_container(),
        advice,
    }
}

/// Asks the usual places.
pub(super) async fn service(control: &Control, plan: &RunPlan) -> Service {
    let clock = RealClock::start();
    let health = control.look("/health").await;
    let took = clock.now();
    let clock_ahead_s = health.as_ref().ok().and_then(ahead);
    let listing = Listing::of(plan.api);
    let models = list(listing, control.models(listing).await);
    let only = match &models {
        Models::Listed(names) if names.len() == 1 => names.first().cloned(),
        _ => None,
    };
    Service {
        health: health.map(|looked| (looked.status, took)),
        listing: listing.path(),
        models,
        model: plan.model.clone().or(only),
        engine: plan.adapter,
        api: plan.api.id(),
        metrics: metrics(control).await,
        clock_ahead_s,
    }
}

fn list(listing: Listing, answer: Result<ModelsAnswer, ControlError>) -> Models {
    match answer {
        Ok(answer) => listing.parse(answer.body.as_bytes()).map_or_else(Models::Unreadable, Models::Listed),
        Err(ControlError::Refused { status: status @ (404 | 405 | 501), .. }) => Models::Absent { status },
        Err(ControlError::Refused { status, detail, .. }) => {
            Models::Refused { status, words: one_line(&detail) }
        }
        Err(error) => Models::Unreadable(error.to_string()),
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}

/// The first place that answers with Prometheus' text.
async fn metrics(control: &Control) -> Option<String> {
    for path in METRICS {
        let looked = control.look(path).await.ok();
        if looked.is_some_and(|looked| looked.status == 200 && looked.body.contains("# TYPE ")) {
            return Some(path.to_owned());
        }
    }
    None
}

/// By how many seconds the server's `Date` is ahead of this machine's clock.
fn ahead(looked: &Looked) -> Option<f64> {
    let theirs = http_date(looked.header("date")?)?;
    Some(theirs - epoch().secs())
}
