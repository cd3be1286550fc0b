//! From layers of text to a checked plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::RunPlan;
use super::error::{ConfigError, Entry, Origin, nearest, printable, wrong};
use super::file::{self, Block, Document, parse_env_file};
use super::launch::Starter;
use super::layers::{self, Chosen, Layers, Purpose};
use super::mix;
use super::parse::{self, Setup};
use super::plan::{Target, Warmup};
use crate::base::{Secret, Seed};
use crate::protocol::{Adapter, Api};
use crate::simulator::model::SimSpec;
use crate::workload::Level;

/// A plan, what belongs beside it, and where each of its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub plan: RunPlan,
    /// The key for the server; never part of the plan.
    pub api_key: Option<Secret>,
    pub outputs: Outputs,
    /// In the table's order; secrets are starred.
    pub values: Vec<Entry>,
    /// Where a file sets the limit of a number (`ttft_p95`), or of all (`max-error-rate`).
    pub limits: BTreeMap<String, Origin>,
}

/// What is written where, and what is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    pub result: PathBuf,
    /// Beside the result: one line per request.
    pub requests: PathBuf,
    /// Beside the result: one line per level and round.
    pub summary: PathBuf,
    pub junit: Option<PathBuf>,
    pub markdown: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub baselines: PathBuf,
    /// URL of a database in which baselines and evidence live instead; it may hold a password.
    pub store: Option<Secret>,
    /// Base URL of a server of ours that gets the result, too.
    pub serve_to: Option<String>,
    /// Store the first session where no baseline exists.
    pub save_baseline: bool,
    pub session_id: Option<String>,
    /// Folder of evidence that a re-run adds to.
    pub ledger: PathBuf,
    /// What is judged, and against what, where it is known.
    pub head: Option<String>,
    pub base: Option<String>,
    pub print: Print,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// The verdict and errors only.
    pub quiet: bool,
    /// The document instead of tables.
    pub json: bool,
    /// How the verdict came about, too.
    pub explain: bool,
}

/// The files of one result, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFiles {
    pub result: PathBuf,
    pub requests: PathBuf,
    pub summary: PathBuf,
}

impl ResultFiles {
    /// By the name of the result; a name without `.json` is a folder.
    pub fn at(given: PathBuf) -> Self {
        let result = match given.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("json") => given,
            _ => given.join("result.json"),
        };
        let folder = result.parent().unwrap_or(Path::new(""));
        Self { requests: folder.join("requests.jsonl"), summary: folder.join("summary.csv"), result }
    }
}

/// Picks the strongest value of each setting and builds the plan: flag, action input, environment, `.env`, file, default.
pub fn resolve(layers: Layers) -> Result<Resolved, ConfigError> {
    let environment = whole_environment(&layers)?;
    let document = file::read(&layers.files)?;
    let purpose = layers.purpose;
    let mut stack = layers::stack(layers)?;
    let mut names = Names::default();
    let mut file_layer = document.gate.clone();
    let free = mix::is_named(&stack) && !named(&stack, "workload");
    if free {
        names.workload = Some("mix".to_owned());
    } else if let Some(workload) = pick(&stack, "workload", &document.workloads)? {
        names.workload = Some(workload.name.clone());
        file_layer.extend(workload.entries.clone());
    } else {
        // Where no file has workloads, a name is only a name: it tells baselines apart.
        let given = stack.iter().flatten().find(|entry| entry.key == "workload");
        names.workload = given.map(|entry| entry.text.clone());
    }
    stack.push(file_layer);
    if let Some(target) = pick(&stack, "server", &document.targets)? {
        names.target = Some(target.name.clone());
        replace(&mut stack, "server", target);
    }
    for layer in &mut stack {
        name_baseline(layer, &document.targets);
    }
    // Where each part or each visit has a model of its own, none needs to be chosen for the run.
    let drawn = named(&stack, "models") || (mix::is_named(&stack) && document.models.len() > 1);
    if (named(&stack, "model") || !drawn)
        && let Some(model) = pick(&stack, "model", &document.models)?
    {
        replace(&mut stack, "model", model);
    }
    for layer in &mut stack {
        mix::name_models(layer, &document.models);
    }
    let stack = stack.into_iter().map(parse::spread_timeouts).collect::<Result<Vec<_>, _>>()?;
    let said = Said { stack, document, environment, purpose };
    said.build(names)
}

/// Everything that was said, in layers, and what the file holds besides.
struct Said {
    stack: Vec<Vec<Entry>>,
    document: Document,
    environment: BTreeMap<String, String>,
    purpose: Purpose,
}

fn named(stack: &[Vec<Entry>], key: &str) -> bool {
    stack.iter().flatten().any(|entry| entry.key == key)
}

/// What the file calls the chosen items.
#[derive(Debug, Default)]
struct Names {
    workload: Option<String>,
    target: Option<String>,
}

fn whole_environment(layers: &Layers) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut environment = BTreeMap::new();
    if let Some(file) = &layers.env_file {
        let variables = parse_env_file(file)?;
        environment.extend(variables.into_iter().map(|(name, variable)| (name, variable.text)));
    }
    environment.extend(layers.environment.clone());
    Ok(environment)
}

/// The item that the strongest layer names, or the only one. A text that names none stays what it is: a URL or a model.
fn pick<'a>(
    stack: &[Vec<Entry>],
    key: &'static str,
    blocks: &'a [Block],
) -> Result<Option<&'a Block>, ConfigError> {
    let known = || blocks.iter().map(|block| block.name.as_str());
    let list = || known().map(printable).collect::<Vec<_>>().join(", ");
    let Some(named) = stack.iter().flatten().find(|entry| entry.key == key) else {
        return match blocks {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(ConfigError::new(
                format!("the file has several {}: {}", plural(key), list()),
                format!("choose one with --{key} NAME"),
            )),
        };
    };
    let found = blocks.iter().find(|block| block.name == named.text);
    let is_own = match key {
        "server" => blocks.is_empty() || named.text.contains("://") || parse::is_simulator(&named.text),
        "model" => true,
        "workload" => blocks.is_empty(),
        _ => false,
    };
    if found.is_some() || is_own {
        return Ok(found);
    }
    if blocks.is_empty() {
        let hint = "name the file with --config, or remove this";
        return Err(named.wrong(wrong(format!("no file with {} was given", plural(key)), hint)));
    }
    let hint = match nearest(&named.text, known()) {
        Some(near) => format!("did you mean '{}'?", printable(near)),
        None => format!("the file has: {}", list()),
    };
    Err(named.wrong(wrong(format!("there is no such name under {} in the file", plural(key)), hint)))
}

fn plural(key: &str) -> &'static str {
    match key {
        "server" => "targets",
        "model" => "models",
        _ => "workloads",
    }
}

/// The item speaks for its key from here on: its name gives way to what it names, and its other settings join the file's.
fn replace(stack: &mut [Vec<Entry>], key: &str, block: &Block) {
    for layer in stack.iter_mut() {
        layer.retain(|entry| entry.key != key);
    }
    if let Some(file_layer) = stack.last_mut() {
        file_layer.extend(block.entries.clone());
    }
}

/// A target of the file that is named as the baseline's server speaks for its address and its start.
fn name_baseline(layer: &mut Vec<Entry>, targets: &[Block]) {
    let named = |entry: &Entry| {
        let is_named = |target: &&Block| target.name == entry.text;
        targets.iter().find(is_named).filter(|_| entry.key == "baseline-server")
    };
    let Some(target) = layer.iter().find_map(named) else { return };
    layer.retain(|entry| named(entry).is_none());
    let as_baseline = |entry: &Entry| {
        let key = match entry.key {
            "server" => "baseline-server",
            "server-command" => "baseline-server-command",
            "server-image" => "baseline-server-image",
            "server-args" => "baseline-server-args",
            "server-env" => "baseline-server-env",
            _ => return None,
        };
        Some(Entry { key, ..entry.clone() })
    };
    layer.extend(target.entries.iter().filter_map(as_baseline));
}

impl Said {
    fn build(self, names: Names) -> Result<Resolved, ConfigError> {
        let Self { stack, document, environment, purpose } = self;
        let mut chosen = Chosen::new(&stack);
        if purpose == Purpose::Run {
            chosen.remove("rounds");
            chosen.or_default("rounds", "1");
        }
        let gates = matches!(purpose, Purpose::Gate | Purpose::Judge);
        let beside = chosen.given("baseline-server").is_some() || parse::starts_baseline(&chosen);
        let paired = gates && beside;
        if purpose == Purpose::Judge {
            chosen.or_default("server", "sim:h100-8b");
        }
        chosen.or_default("rounds", if paired { "5,8,12" } else { "5" });
        // A p95 takes part in a verdict from 400 requests a round on.
        if gates && chosen.given("duration").is_none() {
            chosen.or_default("num-prompts", "400");
        }
        chosen.or_default("validate", if gates { "warn" } else { "off" });
        let generates = chosen.parse("api", parse::api)?.flatten().is_none_or(Api::generates);
        if !generates {
            parse::only_reads(&mut chosen)?;
        }
        chosen.fill();
        let wanted = parse::wanted(&mut chosen)?;
        let levels = parse::levels(&mut chosen)?;
        let shard = parse::shard(&mut chosen, &environment, &levels)?;
        let api_key = parse::api_key(&mut chosen, &environment)?;
        let target = parse::target(&mut chosen, names.target, &environment)?;
        let (api, adapter) = parse::spoken(&chosen, &target, evident(&target))?;
        let stream = chosen.parse("stream", parse::switch)?.unwrap_or(true) && api.streams();
        let open = levels.iter().any(Level::is_open);
        let mut setup = Setup { open, stream, generates, slos: false };
        let name = names.workload.unwrap_or_else(|| "default".to_owned());
        let parts = mix::parts(&mut chosen, &name, &stack, &document, setup)?;
        let slos = parse::slos(&chosen, setup)?;
        setup.slos = !slos.is_empty() || parts.iter().any(|part| !part.slos.is_empty());
        let search = wanted
            .map(|wanted| parse::search(&mut chosen, wanted, &levels, setup.slos, shard))
            .transpose()?;
        chosen.or_default("tolerance", parse::default_tolerances(setup));
        let drawn = mix::first_model(&parts);
        let baseline = paired.then(|| parse::baseline(&chosen, &target, &environment)).transpose()?;
        let plan = RunPlan {
            target,
            model: chosen.parse("model", parse::name)?.or(drawn),
            name,
            api,
            adapter,
            counts_chunks: chosen.parse("continuous-usage", parse::switch)?,
            stream,
            cache: mix::cache(&parts),
            parts,
            levels,
            shard,
            start_at: chosen.parse("start-at", parse::start_at)?,
            slos,
            warmup: Warmup { requests: chosen.parse("warmup", parse::warmup)?.flatten() },
            seed: Seed(chosen.parse("seed", |text| parse::whole(text, 0, u64::MAX))?.unwrap_or_default()),
            timeouts: parse::timeouts(&chosen)?,
            sampling: parse::sampling(&chosen)?,
            tokenizer: chosen.parse("tokenizer", parse::name)?,
            gate: parse::policy(&chosen, setup, paired)?,
            baseline,
            search,
        };
        let limits = limits(&chosen);
        Ok(Resolved { plan, api_key, outputs: outputs(&chosen)?, values: chosen.values(), limits })
    }
}

/// The engine that the address or the start of a server names.
fn evident(target: &Target) -> Option<Adapter> {
    match target.launch.as_ref().map(|launch| &launch.starter) {
        Some(Starter::Command(line)) => Adapter::of_start(line),
        Some(Starter::Image(image)) => Adapter::of_start(&image.name),
        // Where the text is wrong, whoever starts the simulator says so.
        None => parse::simulated(target.base_url()).map(|text| {
            let engine = SimSpec::parse(text).ok().and_then(|spec| spec.engine);
            engine.and_then(|engine| Adapter::named(engine.id())).unwrap_or_default()
        }),
    }
}

/// The lines of files on which limits stand.
fn limits(chosen: &Chosen) -> BTreeMap<String, Origin> {
    let mut limits = BTreeMap::new();
    for key in ["max-error-rate", "tolerance", "objective"] {
        for entry in chosen.all(key).iter().filter(|entry| matches!(entry.origin, Origin::File { .. })) {
            let names: Vec<String> = match key {
                "max-error-rate" => vec![key.to_owned()],
                _ => parse::limited(&entry.text),
            };
            limits.extend(names.into_iter().map(|name| (name, entry.origin.clone())));
        }
    }
    limits
}

fn outputs(chosen: &Chosen) -> Result<Outputs, ConfigError> {
    let path = |key: &str| chosen.parse(key, parse::path);
    let switch = |key: &str| Ok(chosen.parse(key, parse::switch)?.unwrap_or_default());
    let ResultFiles { result, requests, summary } = ResultFiles::at(path("output")?.unwrap_or_default());
    Ok(Outputs {
        result,
        requests,
        summary,
        junit: path("junit")?,
        markdown: path("markdown")?,
        html: path("html")?,
        baselines: path("baselines")?.unwrap_or_default(),
        store: chosen
            .one("store")
            .map(|entry| entry.text.trim())
            .filter(|url| !url.is_empty())
            .map(Secret::new),
        serve_to: chosen.parse("serve-to", parse::page)?,
        save_baseline: switch("save-baseline")?,
        session_id: chosen.parse("session-id", parse::name)?,
        ledger: path("ledger")?.unwrap_or_default(),
        head: chosen.parse("head", parse::name)?,
        base: chosen.parse("base", parse::name)?,
        print: Print { quiet: switch("quiet")?, json: switch("json")?, explain: switch("explain")? },
    })
}
