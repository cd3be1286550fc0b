//! Servers that are started here: what to start, with what, and which URL it then has.

use std::collections::BTreeMap;

use super::server::expand;
use super::words::{self, cut_lines, cut_words};
use crate::base::{Nanos, Secret};
use crate::config::error::{ConfigError, Entry, Origin, Wrong, wrong};
use crate::config::file::is_name;
use crate::config::launch::{CONTAINER_PLACE, Gpus, Image, Launch, PORT_PLACE, Pull, Starter};
use crate::config::layers::Chosen;

/// The keys that say how one side's server is started.
struct Keys {
    command: &'static str,
    image: &'static str,
    args: &'static str,
    env: &'static str,
}

const CANDIDATE: Keys =
    Keys { command: "server-command", image: "server-image", args: "server-args", env: "server-env" };
const BASELINE: Keys = Keys {
    command: "baseline-server-command",
    image: "baseline-server-image",
    args: "baseline-server-args",
    env: "baseline-server-env",
};
/// What is only said of a container.
const OF_IMAGES: [&str; 5] =
    ["server-port", "server-gpus", "server-volume", "server-shm-size", "server-pull"];
/// What is only said of a server that is started.
const OF_STARTS: [&str; 3] = ["server-env", "server-ready", "server-timeout"];

/// Long enough for large weights from a cold disk.
const TIMEOUT: Nanos = Nanos(15 * 60 * 1_000_000_000);
/// Processes on several GPUs exchange through it; it costs only what is used.
const SHM_BYTES: u64 = 16 << 30;
const PORT: u64 = 8000;

/// Whether anything is said of how the baseline's server is started.
pub(in crate::config) fn starts_baseline(chosen: &Chosen) -> bool {
    let Keys { command, image, args, env } = BASELINE;
    [command, image, args, env].iter().any(|key| chosen.given(key).is_some())
}

/// How the server under test is started, where it is. What is said of a start that there is not is an error.
pub(in crate::config) fn candidate(
    chosen: &mut Chosen,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Launch>, ConfigError> {
    settle(chosen, &CANDIDATE)?;
    settle(chosen, &BASELINE)?;
    let any = |keys: [&str; 2]| keys.iter().any(|key| chosen.given(key).is_some());
    let images = any([CANDIDATE.image, BASELINE.image]);
    let starts = images || any([CANDIDATE.command, BASELINE.command]);
    let needs = |keys: &[&str], there: bool, what: &str, hint: &str| match keys
        .iter()
        .find(|key| !there && chosen.given(key).is_some())
        .and_then(|key| chosen.one(key))
    {
        Some(entry) => Err(entry.wrong(wrong(format!("this is said of {what}, and there is none"), hint))),
        None => Ok(()),
    };
    let hint = "name the image with --server-image; words of a command belong into --server-command";
    needs(&OF_IMAGES, images, "a container", hint)?;
    needs(&[CANDIDATE.args, BASELINE.args], images, "a container", hint)?;
    let hint = "start it with --server-command or --server-image, or remove this";
    needs(&OF_STARTS, starts, "a server that is started here", hint)?;
    needs(&[BASELINE.env], starts, "a server that is started here", hint)?;
    start(chosen, &CANDIDATE, None, environment)
}

/// How the baseline's server is started, where it is: as the candidate's in all that is not said.
pub(in crate::config) fn baseline(
    chosen: &Chosen,
    candidate: Option<&Launch>,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Launch>, ConfigError> {
    if starts_baseline(chosen) { start(chosen, &BASELINE, candidate, environment) } else { Ok(None) }
}

/// The two servers of a gate: whether they take turns in running, too.
pub(in crate::config) fn in_turn(chosen: &Chosen, both_started: bool) -> Result<bool, ConfigError> {
    let asked = chosen.parse("server-turns", |text| match text.trim().replace('_', "-").as_str() {
        "in-turn" if both_started => Ok(true),
        "in-turn" => {
            Err(wrong("one of the two servers is not started here", "start both, or write together"))
        }
        "together" => Ok(false),
        _ => Err(wrong("not a way to take turns", "write in-turn or together")),
    })?;
    Ok(asked.unwrap_or(both_started))
}

/// The stronger layer decides between a command and an image; one layer that says both says nothing clear.
fn settle(chosen: &mut Chosen, keys: &Keys) -> Result<(), ConfigError> {
    let Keys { command, image, args, .. } = keys;
    let (Some(line), Some(name)) = (chosen.given(command), chosen.given(image)) else { return Ok(()) };
    if line == name
        && let Some(entry) = chosen.one(image)
    {
        let hint = format!("keep --{command} or --{image}");
        return Err(entry.wrong(wrong("the server cannot be both a command and a container", hint)));
    }
    if line < name {
        for key in [image, args].into_iter().chain(&OF_IMAGES) {
            if chosen.given(key).is_some_and(|rank| rank > line) {
                chosen.remove(key);
            }
        }
    } else {
        chosen.remove(command);
    }
    Ok(())
}

fn start(
    chosen: &Chosen,
    keys: &Keys,
    like: Option<&Launch>,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Launch>, ConfigError> {
    let named = (chosen.parse(keys.command, words::name)?, chosen.parse(keys.image, image_name)?);
    let starter = match (named, like.map(|like| &like.starter)) {
        ((Some(command), _), _) => Starter::Command(command),
        ((None, Some(name)), _) => Starter::Image(image(chosen, keys, name)?),
        ((None, None), Some(Starter::Command(command))) => Starter::Command(command.clone()),
        ((None, None), Some(Starter::Image(like))) => Starter::Image(image(chosen, keys, like.name.clone())?),
        ((None, None), None) => return Ok(None),
    };
    let mut env: Vec<(String, Secret)> = Vec::new();
    // The candidate's own keys come twice, which changes nothing.
    for key in [CANDIDATE.env, keys.env] {
        for (name, value) in variables(chosen, key, environment)? {
            env.retain(|(known, _)| *known != name);
            env.push((name, value));
        }
    }
    Ok(Some(Launch {
        starter,
        env,
        ready: chosen.parse("server-ready", ready)?,
        timeout: chosen.parse("server-timeout", |text| words::span(text, "s"))?.unwrap_or(TIMEOUT),
    }))
}

fn image(chosen: &Chosen, keys: &Keys, name: String) -> Result<Image, ConfigError> {
    let args = if chosen.given(keys.args).is_some() { keys.args } else { CANDIDATE.args };
    Ok(Image {
        name,
        args: chosen.parse(args, split)?.unwrap_or_default(),
        gpus: chosen.parse("server-gpus", gpus)?.unwrap_or(Gpus::Auto),
        volumes: chosen.each("server-volume", cut_lines, volume)?,
        shm_bytes: chosen.parse("server-shm-size", size)?.unwrap_or(SHM_BYTES),
        pull: chosen.parse("server-pull", pull)?.unwrap_or(Pull::Missing),
    })
}

/// The URL of a server that is started, where none is given.
pub(super) fn default_url(chosen: &Chosen, starter: &Starter) -> Result<String, ConfigError> {
    Ok(match starter {
        Starter::Command(line) if line.contains(PORT_PLACE) => format!("http://127.0.0.1:{PORT_PLACE}"),
        Starter::Command(_) => format!("http://127.0.0.1:{PORT}"),
        Starter::Image(_) => {
            let port = chosen.parse("server-port", |text| words::whole(text, 1, 65_535))?.unwrap_or(PORT);
            format!("http://{CONTAINER_PLACE}:{port}")
        }
    })
}

/// Whether a URL has the places that its start fills, and no others.
pub(super) fn fits(url: &str, starter: Option<&Starter>) -> Result<(), Wrong> {
    let (port, container) = (url.contains(PORT_PLACE), url.contains(CONTAINER_PLACE));
    match starter {
        None if port || container => Err(wrong(
            "only a server that is started here has a place to fill in",
            "start it with --server-command or --server-image, or write its address",
        )),
        Some(_) if url.starts_with("sim:") => {
            Err(wrong("the simulator is built in, and nothing needs to be started", "keep one of them"))
        }
        Some(Starter::Command(line)) if container || port != line.contains(PORT_PLACE) => Err(wrong(
            "the command and its URL do not name the same port",
            "write {port} in both, or the same number in both",
        )),
        Some(Starter::Image(_)) if port || !container => Err(wrong(
            "a container is reached at its own address, which only its start tells",
            "leave --server out, or write http://{container}:8000 with the container's port",
        )),
        _ => Ok(()),
    }
}

fn image_name(text: &str) -> Result<String, Wrong> {
    let text = words::name(text)?;
    if text.starts_with('-') || text.chars().any(char::is_whitespace) {
        return Err(wrong("not an image's name", "write for example vllm/vllm-openai:v0.11.0"));
    }
    Ok(text)
}

fn split(text: &str) -> Result<Vec<String>, Wrong> {
    shlex::split(text)
        .ok_or_else(|| wrong("a quote is not closed", "close it, or write \\' for the mark itself"))
}

fn gpus(text: &str) -> Result<Gpus, Wrong> {
    let devices = cut_words(text);
    let is_device = |text: &String| text.chars().all(|c| c.is_ascii_alphanumeric() || "-/.=:".contains(c));
    match devices.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => Ok(Gpus::All),
        ["none"] => Ok(Gpus::None),
        [_, ..]
            if devices.iter().all(is_device)
                && !devices.iter().any(|word| word == "all" || word == "none") =>
        {
            Ok(Gpus::Devices(devices))
        }
        _ => Err(wrong("not GPUs", "write all, none, or indices or UUIDs with commas, for example 0,1")),
    }
}

fn volume(text: &str) -> Result<String, Wrong> {
    const HINT: &str =
        "write for example /data/hf:/root/.cache/huggingface, with :ro at its end to forbid writing";
    let (host, rest) = text.split_once(':').ok_or_else(|| wrong("not a volume", HINT))?;
    let inside = rest.split(':').next().unwrap_or_default();
    let is_volume_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !inside.starts_with('/') || text.chars().any(char::is_control) {
        return Err(wrong("the container's side is no absolute path", HINT));
    }
    if host.is_empty() || !(host.starts_with('/') || host.chars().all(is_volume_name)) {
        return Err(wrong("the host's side is neither an absolute path nor a volume's name", HINT));
    }
    Ok(text.to_owned())
}

fn size(text: &str) -> Result<u64, Wrong> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix("ib").or(text.strip_suffix('b')).unwrap_or(&text);
    let (digits, shift) = match text.chars().last() {
        Some('k') => (text.trim_end_matches('k'), 10),
        Some('m') => (text.trim_end_matches('m'), 20),
        Some('g') => (text.trim_end_matches('g'), 30),
        _ => (text, 0),
    };
    let count: Option<u64> = digits.trim().parse().ok();
    count
        .filter(|count| (1..=1 << 44 >> shift).contains(count))
        .map(|count| count << shift)
        .ok_or_else(|| wrong("not a size", "write for example 512m or 16g"))
}

fn pull(text: &str) -> Result<Pull, Wrong> {
    match text.trim() {
        "missing" => Ok(Pull::Missing),
        "always" => Ok(Pull::Always),
        "never" => Ok(Pull::Never),
        _ => Err(wrong("not a rule for pulling", "write missing, always or never")),
    }
}

fn ready(text: &str) -> Result<String, Wrong> {
    let text = words::name(text)?;
    if text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text);
    }
    Err(wrong("neither a path nor a URL", "write for example /health or http://127.0.0.1:8001/ready"))
}

/// `NAME=VALUE` or `NAME`, each with its value.
fn variables(
    chosen: &Chosen,
    key: &'static str,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<(String, Secret)>, ConfigError> {
    let mut found = Vec::new();
    for entry in chosen.all(key) {
        for line in cut_lines(&entry.text) {
            let culprit = Entry::new(key, line.as_str(), entry.origin.clone());
            let is_file = matches!(entry.origin, Origin::File { .. });
            found.push(variable(&line, is_file, environment).map_err(|wrong| culprit.wrong(wrong))?);
        }
    }
    Ok(found)
}

fn variable(
    line: &str,
    is_file: bool,
    environment: &BTreeMap<String, String>,
) -> Result<(String, Secret), Wrong> {
    let (name, value) = match line.split_once(['=', ':']) {
        Some((name, value)) => (name.trim(), Some(value)),
        None => (line.trim(), None),
    };
    if !is_name(name) {
        return Err(wrong("not a variable's name", "write NAME=VALUE, or NAME to pass our own on"));
    }
    let value = match value {
        Some(value) if is_file => expand(value.trim(), environment)?,
        Some(value) => value.to_owned(),
        None => environment.get(name).cloned().ok_or_else(|| {
            wrong(
                format!("the environment has no variable '{name}' to pass on"),
                format!("set {name} before the run, or write {name}=VALUE"),
            )
        })?,
    };
    Ok((name.to_owned(), Secret::new(value)))
}
