//! The server under test: its URL, headers and key.

use std::collections::BTreeMap;

use super::launch::{self, default_url, fits};
use super::metrics::server_metrics;
use super::words::{self, cut_lines};
use crate::base::Secret;
use crate::config::error::{ConfigError, Entry, Origin, Wrong, wrong};
use crate::config::file::is_name;
use crate::config::launch::PORT_PLACE;
use crate::config::layers::Chosen;
use crate::config::{BaselineServer, GpuUse, Launch, Target};
use crate::workload::UrlStrategy;

/// Builds the target; `name` is the file's, where the file has one.
pub(in crate::config) fn target(
    chosen: &mut Chosen,
    name: Option<String>,
    environment: &BTreeMap<String, String>,
) -> Result<Target, ConfigError> {
    let launch = launch::candidate(chosen, environment)?;
    let mut base_urls = addresses(chosen, "server", launch.as_ref())?;
    if let Some(launch) = launch.as_ref().filter(|_| base_urls.is_empty()) {
        base_urls.push(default_url(chosen, &launch.starter)?);
    }
    let Some(main) = base_urls.first().cloned() else {
        return Err(ConfigError::new(
            "no server is given",
            "add --server http://localhost:8000, or --server sim:h100-8b to try it without a GPU",
        ));
    };
    let short =
        launch.as_ref().map_or_else(|| short_name(&main), |launch| launch.starter.short_name().to_owned());
    if let Some(entry) = chosen.one("server").filter(|_| base_urls.len() > SERVERS_MAX) {
        let problem = format!("{} servers", base_urls.len());
        return Err(entry.wrong(wrong(problem, format!("name at most {SERVERS_MAX}"))));
    }
    let mut headers = Vec::new();
    for entry in chosen.all("header") {
        for line in cut_lines(&entry.text) {
            let culprit = Entry::new("header", line.as_str(), entry.origin.clone());
            let header = header(&line)
                .and_then(|(name, value)| match &entry.origin {
                    Origin::File { .. } => Ok((name, expand(&value, environment)?)),
                    _ => Ok((name, value)),
                })
                .map_err(|wrong| culprit.wrong(wrong))?;
            headers.push(header);
        }
    }
    Ok(Target {
        name: name.unwrap_or(short),
        base_urls,
        launch,
        url_strategy: chosen.parse("url-strategy", url_strategy)?.unwrap_or(UrlStrategy::RoundRobin),
        api_key_env: chosen.parse("api-key-env", words::name)?,
        headers,
        insecure: chosen.parse("insecure", words::switch)?.unwrap_or_default(),
        cacert: chosen.parse("cacert", words::path)?,
        hardware: chosen.parse("hardware", words::name)?,
        gpu: chosen.parse("gpu", gpu_use)?.unwrap_or_default(),
        nvml: chosen.parse("nvml", words::path)?,
        log: chosen.parse("server-log", words::path)?,
        metrics: server_metrics(chosen)?,
    })
}

fn gpu_use(text: &str) -> Result<GpuUse, Wrong> {
    match text.trim() {
        "auto" => Ok(GpuUse::Auto),
        "require" => Ok(GpuUse::Require),
        "off" => Ok(GpuUse::Off),
        _ => Err(wrong("no such choice", "write one of auto, require, off")),
    }
}

/// The server of the baseline, where one is given.
pub(in crate::config) fn baseline(
    chosen: &Chosen,
    target: &Target,
    environment: &BTreeMap<String, String>,
) -> Result<BaselineServer, ConfigError> {
    let launch = launch::baseline(chosen, target.launch.as_ref(), environment)?;
    let mut base_urls = addresses(chosen, "baseline-server", launch.as_ref())?;
    if let Some(launch) = launch.as_ref().filter(|_| base_urls.is_empty()) {
        let shared = target.launch.is_some() && fits(target.base_url(), Some(&launch.starter)).is_ok();
        base_urls =
            if shared { target.base_urls.clone() } else { vec![default_url(chosen, &launch.starter)?] };
    }
    if base_urls.is_empty() {
        return Err(ConfigError::new(
            "--baseline-server names no server",
            "write for example http://localhost:8001",
        ));
    }
    let both = [&launch, &target.launch].into_iter().all(Option::is_some);
    let in_turn = launch::in_turn(chosen, both)?;
    let model = chosen.parse("baseline-model", words::name)?;
    if both && !in_turn && base_urls == target.base_urls && !target.base_url().contains('{') {
        return Err(ConfigError::new(
            format!("both servers are to listen on {} at the same time", target.base_url()),
            "write {port} in the commands and their URLs, or leave out --server-turns together",
        ));
    }
    Ok(BaselineServer { base_urls, model, launch, in_turn })
}

/// The URLs of a key. A server that is started is one server.
fn addresses(chosen: &Chosen, key: &str, launch: Option<&Launch>) -> Result<Vec<String>, ConfigError> {
    let starter = launch.map(|launch| &launch.starter);
    let urls = chosen.each(key, cut_urls, |text| {
        let url = base_url(text)?;
        fits(&url, starter)?;
        Ok(url)
    })?;
    match chosen.one(key).filter(|_| launch.is_some() && urls.len() > 1) {
        Some(entry) => {
            let hint = "start them before, and leave out --server-command and --server-image";
            Err(entry.wrong(wrong("only one server can be started", hint)))
        }
        None => Ok(urls),
    }
}

/// More addresses than a balancer would have behind it.
const SERVERS_MAX: usize = 1_000;

fn url_strategy(text: &str) -> Result<UrlStrategy, Wrong> {
    match text.trim().replace('_', "-").as_str() {
        "round-robin" => Ok(UrlStrategy::RoundRobin),
        "session" | "sticky" => Ok(UrlStrategy::Session),
        _ => Err(wrong("not a way to spread requests", "write round-robin or session")),
    }
}

/// URLs between commas; a comma within one, as in `sim:fast?models=a,b`, stands before no scheme.
fn cut_urls(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for piece in text.split(',') {
        let starts = piece.contains("://") || is_simulator(piece);
        match urls.last_mut().filter(|_| !starts) {
            Some(last) => {
                last.push(',');
                last.push_str(piece);
            }
            None => urls.push(piece.to_owned()),
        }
    }
    urls
}

/// Whether a server's text asks for gRPC.
pub(in crate::config) fn is_grpc(text: &str) -> bool {
    text.trim().starts_with("grpc://")
}

/// Whether a server's text means the built-in simulator.
pub(in crate::config) fn is_simulator(text: &str) -> bool {
    text.trim().starts_with("sim:")
}

/// What a server's text says to the built-in simulator, where it means that.
pub(in crate::config) fn simulated(text: &str) -> Option<&str> {
    text.trim().strip_prefix("sim:")
}

fn short_name(base_url: &str) -> String {
    let name = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    name.split('?').next().unwrap_or(name).to_owned()
}

/// `sim:…` as it stands; an http(s) URL without the API's own path, whichever part of it was pasted.
fn base_url(text: &str) -> Result<String, Wrong> {
    const HINT: &str = "write for example http://localhost:8000, or sim:h100-8b";
    let text = text.trim();
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("not a URL", HINT));
    }
    if is_simulator(text) {
        return Ok(text.to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(wrong(
            "neither a URL nor a target of the file",
            format!("write http://{text}, or add a target named '{text}' to the file"),
        ));
    };
    if scheme == "grpcs" {
        return Err(wrong(
            "gRPC is spoken without TLS here",
            "write grpc://HOST:PORT, through a tunnel where that is needed",
        ));
    }
    if !matches!(scheme, "http" | "https" | "grpc") {
        return Err(wrong(format!("the scheme '{scheme}' is not spoken here"), HINT));
    }
    if rest.contains(['?', '#']) {
        return Err(wrong("a base URL has no query and no fragment", "cut it off at the '?' or '#'"));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(wrong("a URL must not hold a password", "use --api-key-env or --header instead"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err(wrong("the URL names no host", HINT));
    }
    if port.is_some_and(|port| port != PORT_PLACE && port.parse::<u16>().is_err()) {
        return Err(wrong("the port is not a number up to 65535", HINT));
    }
    if scheme == "grpc" && port.is_none() {
        return Err(wrong("gRPC has no usual port", format!("write for example grpc://{host}:8001")));
    }
    let mut base = text.trim_end_matches('/');
    for tail in ["/chat/completions", "/completions", "/v1"] {
        base = base.strip_suffix(tail).unwrap_or(base).trim_end_matches('/');
    }
    Ok(base.to_owned())
}

/// `K: V` or `K=V`, whichever separator comes first.
fn header(text: &str) -> Result<(String, String), Wrong> {
    let (name, value) =
        text.split_once([':', '=']).ok_or_else(|| wrong("no ':' in it", "write 'Name: value'"))?;
    let (name, value) = (name.trim(), value.trim());
    // RFC 9110 §5.6.2: token characters.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(wrong("not a header's name", "write 'Name: value' with letters, digits and dashes"));
    }
    if !is_header_value(value) {
        return Err(wrong("the value holds characters that a header cannot carry", "use visible ASCII"));
    }
    let own = ["host", "content-length", "content-type", "transfer-encoding", "connection"];
    if own.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(wrong("this header is written by the client itself", "remove it"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn is_header_value(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// Replaces each `${NAME}` by the environment's text.
pub(super) fn expand(text: &str, environment: &BTreeMap<String, String>) -> Result<String, Wrong> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) =
            after.split_once('}').ok_or_else(|| wrong("'${' is not closed", "write ${NAME}"))?;
        let value = environment.get(name).filter(|value| is_header_value(value)).ok_or_else(|| {
            wrong(
                format!("the environment has no usable variable '{name}'"),
                format!("set {name} to visible ASCII text before the run"),
            )
        })?;
        expanded.push_str(before);
        expanded.push_str(value);
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Settles `api-key` against `api-key-env` and reads the key. A simulator needs none.
pub(in crate::config) fn api_key(
    chosen: &mut Chosen,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Secret>, ConfigError> {
    let servers = chosen.all("server");
    if !servers.is_empty() && servers.iter().all(|server| is_simulator(&server.text)) {
        chosen.remove("api-key");
        chosen.remove("api-key-env");
        return Ok(None);
    }
    match (chosen.given("api-key"), chosen.given("api-key-env")) {
        (Some(key), Some(name)) if key <= name => chosen.remove("api-key-env"),
        (Some(_), Some(_)) => chosen.remove("api-key"),
        (None, None) if environment.get("OPENAI_API_KEY").is_some_and(|key| !key.is_empty()) => {
            let origin = Origin::Environment("OPENAI_API_KEY".to_owned());
            chosen.say(0, Entry::new("api-key-env", "OPENAI_API_KEY", origin));
        }
        _ => {}
    }
    if let Some(key) = chosen.parse("api-key", key_text)? {
        return Ok(Some(key));
    }
    chosen.parse("api-key-env", |name| {
        if !is_name(name) {
            let hint = "write the name of the environment variable, and put the key into that variable";
            return Err(wrong("this is no variable's name", hint));
        }
        let text = environment.get(name).filter(|text| !text.trim().is_empty()).ok_or_else(|| {
            wrong(
                "this environment variable is not set",
                format!("set it first: export {name}=…; in a workflow: env: {{ {name}: ${{{{ secrets.{name} }}}} }}"),
            )
        })?;
        key_text(text)
    })
}

/// Secrets often come with the line end of the file they were pasted from.
fn key_text(text: &str) -> Result<Secret, Wrong> {
    let key = text.trim();
    if key.is_empty() || !is_header_value(key) {
        return Err(wrong(
            "the key is empty or holds characters that a header cannot carry",
            "check what was pasted",
        ));
    }
    Ok(Secret::new(key))
}
