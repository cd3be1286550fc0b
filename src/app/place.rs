//! Where servers are, and how they are reached from here.

use super::error::AppError;
use crate::base::{Secret, Seed};
use crate::config::{Resolved, RunPlan, Target};
use crate::protocol::codec;
use crate::simulator::http::Simulator;
use crate::simulator::model::SimSpec;
use crate::transport::{Address, HttpOptions, Route, TlsOptions};

/// Servers as they are reached from here.
pub(super) struct Found {
    pub(super) servers: Vec<HttpOptions>,
    pub(super) simulators: Vec<Simulator>,
    /// The way to the main one; none where it is simulated.
    pub(super) route: Option<Route>,
}

/// Where each URL leads. Simulated servers are started.
pub(super) fn find(resolved: &Resolved, urls: &[String], start: u64) -> Result<Found, AppError> {
    let plan = &resolved.plan;
    let mut found = Found { servers: Vec::new(), simulators: Vec::new(), route: None };
    for (at, url) in (0..).zip(urls) {
        let address = match place(url, plan.seed, at)? {
            Place::Address(address, route) => {
                if at == 0 {
                    found.route = Some(route);
                }
                address
            }
            Place::Simulated(spec) => {
                let simulator = Simulator::start(*spec, start)
                    .map_err(|error| AppError::environment(error.to_string(), "free a port on 127.0.0.1"))?;
                let address = Address::parse(simulator.base_url())
                    .map_err(|error| AppError::environment(error.to_string(), "report this as a bug"))?;
                found.simulators.push(simulator);
                address
            }
        };
        found.servers.push(http_options(&plan.target, address, resolved.api_key.as_ref(), plan));
    }
    Ok(found)
}

/// What `--server` names.
enum Place {
    Simulated(Box<SimSpec>),
    Address(Address, Route),
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
    let address = Address::parse(url).map_err(|error| {
        let hint = error.hint().0;
        AppError::usage(error.to_string(), hint)
    })?;
    let (address, route) = address.reached();
    Ok(Place::Address(address, route))
}

/// The part of a `sim:` target that names profile and parameters.
pub(super) fn simulated(url: &str) -> Option<&str> {
    if url == "sim" { Some("") } else { url.strip_prefix("sim:") }
}

pub(super) fn http_options(
    target: &Target,
    address: Address,
    key: Option<&Secret>,
    plan: &RunPlan,
) -> HttpOptions {
    let codec = codec(plan.api);
    // The user's come last, and win.
    let own = codec.headers().iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    HttpOptions {
        address,
        api_key: key.cloned(),
        key_header: codec.key_header(),
        headers: own.chain(target.headers.iter().cloned()).collect(),
        tls: TlsOptions { insecure: target.insecure, cacert: target.cacert.clone() },
        connect_timeout: plan.timeouts.connect,
    }
}
