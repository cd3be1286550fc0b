//! Several workloads of the file in one run: what each part asks, by its own lines and the run's.

use serde_json::{Map, Value};

use super::error::{ConfigError, Entry, Origin, nearest, printable, wrong};
use super::file::{Block, Document};
use super::layers::Chosen;
use super::parse::{self, Setup};
use super::plan::Sampling;
use crate::protocol::Api;
use crate::workload::{CacheLabel, Part, Weighted, Workload};

/// What a part may say for itself. Pace, server, waiting and streaming are the run's.
const OWN: [&str; 27] = [
    "context-length",
    "models",
    "prompt-type",
    "input-len",
    "output-len",
    "input-len-stddev",
    "output-len-stddev",
    "length-spread",
    "dataset",
    "dataset-format",
    "prompt-column",
    "output-column",
    "prefix-len",
    "prefix-groups",
    "distinct-prompts",
    "cache",
    "turns",
    "think-time",
    "cancel-rate",
    "cancel-after",
    "ignore-eos",
    "temperature",
    "extra-body",
    "goodput",
    "model",
    "api",
    "stream",
];

/// Whether a mix is named above the file, where no workload needs to be chosen.
pub(super) fn is_named(stack: &[Vec<Entry>]) -> bool {
    stack.iter().flatten().any(|entry| entry.key == "mix")
}

/// The parts of the run: those of its mix, or the run's own workload alone.
pub(super) fn parts(
    chosen: &mut Chosen,
    name: &str,
    stack: &[Vec<Entry>],
    document: &Document,
    setup: Setup,
) -> Result<Vec<Part>, ConfigError> {
    let weights = parse::weights(chosen, "mix", true)?;
    if weights.is_empty() {
        let workload = parse::workload(chosen)?;
        return Ok(vec![Part::only(name, workload, parse::slos(chosen, setup)?)]);
    }
    if let ([only], Some(entry)) = (weights.as_slice(), chosen.one("mix")) {
        let hint =
            format!("name another one, or choose this one alone with --workload {}", printable(&only.name));
        return Err(entry.wrong(wrong("a mix has at least two workloads", hint)));
    }
    if let Some(entry) = chosen.one("trace").filter(|_| chosen.given("trace").is_some()) {
        let problem = "a trace says itself what is asked, and a mix does, too";
        return Err(entry.wrong(wrong(problem, "remove one of them")));
    }
    let run = parse::sampling(chosen)?;
    let drafts: Vec<Draft> = weights
        .into_iter()
        .map(|weighted| draft(chosen, weighted, stack, document, setup))
        .collect::<Result<_, _>>()?;
    let ignore_eos = drafts.iter().any(|draft| draft.part.workload.ignore_eos);
    Ok(drafts
        .into_iter()
        .map(|Draft { part, sampling }| Part { body: body(&part, &sampling, &run, ignore_eos), ..part })
        .collect())
}

/// The label of the whole run: that of its parts, where they agree.
pub(super) fn cache(parts: &[Part]) -> CacheLabel {
    let mut labels = parts.iter().map(|part| part.workload.cache);
    let first = labels.next().unwrap_or(CacheLabel::Cold);
    if labels.all(|label| label == first) { first } else { CacheLabel::Mixed }
}

/// The model that names the run where every part has its own: the first one's.
pub(super) fn first_model(parts: &[Part]) -> Option<String> {
    let models: Option<Vec<&Weighted>> = parts.iter().map(|part| part.workload.models.first()).collect();
    models?.first().map(|model| model.name.clone())
}

/// Models of the file under `models` by their full names.
pub(super) fn name_models(entries: &mut [Entry], models: &[Block]) {
    for entry in entries.iter_mut().filter(|entry| entry.key == "models") {
        let full = |piece: &str| {
            let (name, weight) =
                piece.rsplit_once('=').map_or((piece, None), |(name, weight)| (name, Some(weight)));
            let block = models.iter().find(|block| block.name == name);
            let named = block.and_then(|block| block.entries.iter().find(|entry| entry.key == "model"));
            let name = named.map_or(name, |entry| entry.text.as_str());
            weight.map_or_else(|| name.to_owned(), |weight| format!("{name}={weight}"))
        };
        let pieces: Vec<String> = entry.text.split(',').map(|piece| full(piece.trim())).collect();
        entry.text = pieces.join(",");
    }
}

struct Draft {
    part: Part,
    sampling: Sampling,
}

fn draft(
    run: &Chosen,
    weighted: Weighted,
    stack: &[Vec<Entry>],
    document: &Document,
    setup: Setup,
) -> Result<Draft, ConfigError> {
    let Weighted { name, weight } = weighted;
    let block = block(run, &name, &document.workloads)?;
    let mut own: Vec<Entry> =
        block.entries.iter().filter(|entry| OWN.contains(&entry.key)).cloned().collect();
    name_models(&mut own, &document.models);
    let model = model(&mut own, document);
    let mut layers = stack.to_vec();
    let rank = layers.len().saturating_sub(1);
    layers.insert(rank, own);
    let mut chosen = Chosen::new(&layers);
    if !setup.generates {
        parse::only_reads(&mut chosen)?;
    }
    chosen.fill();
    agree(run, &chosen, &name)?;
    let mut workload = parse::workload(&mut chosen)?;
    if let Some(model) = model.filter(|_| chosen.given("model") == Some(rank)) {
        workload.models = vec![Weighted { name: model, weight: 1.0 }];
    }
    let slos = parse::slos(&chosen, setup)?;
    let sampling = parse::sampling(&chosen)?;
    Ok(Draft { part: Part { name, weight, workload, slos, body: None }, sampling })
}

fn block<'a>(run: &Chosen, name: &str, workloads: &'a [Block]) -> Result<&'a Block, ConfigError> {
    let found = workloads.iter().find(|block| block.name == name);
    let problem = match found {
        Some(block) if block.entries.iter().all(|entry| entry.key != "mix") => return Ok(block),
        Some(_) => {
            wrong(format!("'{}' is a mix itself", printable(name)), "name the workloads that it mixes")
        }
        None => {
            let known = workloads.iter().map(|block| block.name.as_str());
            let hint = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean '{}'?", printable(near)),
                None if workloads.is_empty() => "name the file with --config".to_owned(),
                None => format!("the file has: {}", known.map(printable).collect::<Vec<_>>().join(", ")),
            };
            wrong(format!("there is no workload '{}' in the file", printable(name)), hint)
        }
    };
    Err(match run.one("mix") {
        Some(entry) => entry.wrong(problem),
        None => ConfigError::new(problem.problem, problem.hint),
    })
}

/// The model that a part names for itself, by its full name; its context comes with it.
fn model(own: &mut Vec<Entry>, document: &Document) -> Option<String> {
    let named = own.iter().find(|entry| entry.key == "model")?.text.clone();
    let Some(block) = document.models.iter().find(|block| block.name == named) else {
        return Some(named);
    };
    let of = |key: &str| block.entries.iter().find(|entry| entry.key == key);
    own.extend(of("context-length").cloned());
    Some(of("model").map_or(named, |entry| entry.text.clone()))
}

/// One run speaks one API and streams all answers or none.
fn agree(run: &Chosen, part: &Chosen, name: &str) -> Result<(), ConfigError> {
    for key in ["api", "stream"] {
        let (ours, theirs) = (run.one(key), part.one(key));
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && meaning(key, &ours.text) != meaning(key, &theirs.text)
            && theirs.origin != Origin::Default
        {
            let problem = format!("the parts of a mix share one {key}, and the run's is {}", ours.shown());
            let hint =
                format!("say '{key}' beside the mix as well, or mix workloads that agree with '{name}'");
            return Err(theirs.wrong(wrong(problem, hint)));
        }
    }
    Ok(())
}

/// Two words for one thing are no disagreement; what is no word at all is named where it is parsed.
fn meaning(key: &str, text: &str) -> String {
    let known = match key {
        "api" => parse::api(text).map(|api| api.map_or("auto", Api::id).to_owned()),
        _ => parse::switch(text).map(|on| on.to_string()),
    };
    known.unwrap_or_else(|_| text.to_owned())
}

/// The fields in which a part's bodies differ from the run's.
fn body(part: &Part, own: &Sampling, run: &Sampling, ignore_eos: bool) -> Option<String> {
    let fields = |text: &Option<String>| -> Map<String, Value> {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (ours, theirs) = (fields(&run.extra_body), fields(&own.extra_body));
    let mut differing: Map<String, Value> =
        ours.keys().filter(|key| !theirs.contains_key(*key)).map(|key| (key.clone(), Value::Null)).collect();
    differing.extend(theirs.into_iter().filter(|(key, value)| ours.get(key) != Some(value)));
    if own.temperature != run.temperature {
        differing.insert("temperature".to_owned(), own.temperature.map_or(Value::Null, Value::from));
    }
    let Workload { ignore_eos: exact, .. } = part.workload;
    if ignore_eos && !exact {
        differing.insert("ignore_eos".to_owned(), Value::Null);
        differing.insert("min_tokens".to_owned(), Value::Null);
    }
    (!differing.is_empty()).then(|| Value::Object(differing).to_string())
}
