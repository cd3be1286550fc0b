//! Layers of settings, and which of them speaks for each key.

use std::collections::BTreeMap;

use super::error::{ConfigError, Entry, Origin, Wrong, nearest};
use super::file::{SourceFile, Variable, parse_env_file};
use super::setting::{Group, Setting};
use super::settings::{SETTINGS, find};

/// What the plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One round, whatever else is said.
    Run,
    Gate,
    /// Judge what was measured elsewhere: no server is asked, and none needs to be named.
    Judge,
}

/// Everything that was said, as text. No `Debug`, because the environment holds secrets.
#[derive(Clone)]
pub struct Layers {
    pub purpose: Purpose,
    /// From `cli::args::flags`.
    pub flags: Vec<Entry>,
    /// The whole environment: action inputs are variables, too.
    pub environment: BTreeMap<String, String>,
    /// The working folder's `.env`, where it exists; the environment wins over it.
    pub env_file: Option<SourceFile>,
    /// The files that `config_path` names.
    pub files: Vec<SourceFile>,
}

/// The `--config` that flags, inputs or the environment name, so that the caller can read it for `Layers::files`.
pub fn config_path(flags: &[Entry], environment: &BTreeMap<String, String>) -> Option<Entry> {
    let inputs = inputs(environment);
    let variables = variables(environment, |name| Origin::Environment(name.to_owned()));
    flags.iter().chain(&inputs).chain(&variables).find(|entry| entry.key == "config").cloned()
}

/// Layers in order of precedence: flag, action input, environment, `.env`. The file's layer is pushed by the caller.
pub(super) fn stack(layers: Layers) -> Result<Vec<Vec<Entry>>, ConfigError> {
    let Layers { purpose: _, flags, environment, env_file, files: _ } = layers;
    refuse_near_misses(&environment)?;
    let mut stack = vec![
        flags,
        inputs(&environment),
        variables(&environment, |name| Origin::Environment(name.to_owned())),
    ];
    if let Some(file) = &env_file {
        let parsed = parse_env_file(file)?;
        let texts = parsed.iter().map(|(name, variable)| (name.clone(), variable.text.clone())).collect();
        stack.push(variables(&texts, |name| Origin::File {
            path: file.path.clone(),
            line: parsed.get(name).map_or(0, |variable: &Variable| variable.line),
            key: name.to_owned(),
        }));
    }
    Ok(stack)
}

/// An action passes every input that was left out as an empty text.
fn inputs(environment: &BTreeMap<String, String>) -> Vec<Entry> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let text = environment.get(&setting.input()).filter(|text| !text.trim().is_empty())?;
            Some(Entry::new(setting.key, text.trim(), Origin::Input(setting.key.to_owned())))
        })
        .collect()
}

fn variables(environment: &BTreeMap<String, String>, origin: impl Fn(&str) -> Origin) -> Vec<Entry> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let name = setting.environment();
            let text = environment.get(&name).filter(|text| !text.is_empty())?;
            Some(Entry::new(setting.key, text.as_str(), origin(&name)))
        })
        .collect()
}

/// `LLM_LOADTEST_CONCURENCY` must not be ignored in silence; names that resemble no setting belong to someone else.
fn refuse_near_misses(environment: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let known: Vec<String> = SETTINGS.iter().map(Setting::environment).collect();
    let prefix = "LLM_LOADTEST_";
    for typed in environment.keys().filter_map(|name| name.strip_prefix(prefix)) {
        let names = known.iter().filter_map(|name| name.strip_prefix(prefix));
        if names.clone().any(|name| name == typed) {
            continue;
        }
        // One or two slips of the finger; Jaro and Winkler's measure alone would find a likeness in half of all names.
        if let Some(near) = nearest(typed, names).filter(|near| strsim::damerau_levenshtein(typed, near) <= 2)
        {
            return Err(ConfigError::new(
                format!("environment {prefix}{typed}: there is no such setting"),
                format!("did you mean {prefix}{near}?"),
            ));
        }
    }
    Ok(())
}

/// Defaults that stand only where a rival is silent: their parsers ask for them.
const CONDITIONAL: [&str; 11] = [
    "concurrency",
    "arrivals",
    "num-prompts",
    "find-max-rate",
    "find-max-concurrency",
    "attainment",
    "search-precision",
    "search-max-levels",
    "search-budget",
    "input-len",
    "output-len",
];

/// The entries that won, by key, each with the rank of its layer (0 is strongest).
#[derive(Debug, Default)]
pub(super) struct Chosen(BTreeMap<&'static str, Won>);

#[derive(Debug)]
struct Won {
    rank: usize,
    entries: Vec<Entry>,
}

impl Chosen {
    /// For each key the strongest layer that has it; all its entries, where a setting may be repeated.
    pub(super) fn new(stack: &[Vec<Entry>]) -> Self {
        let mut chosen = Self::default();
        for (rank, layer) in stack.iter().enumerate() {
            for entry in layer {
                let won = chosen.0.entry(entry.key).or_insert_with(|| Won { rank, entries: Vec::new() });
                if won.rank == rank {
                    if !find(entry.key).is_some_and(|setting| setting.shape.repeats()) {
                        won.entries.clear();
                    }
                    won.entries.push(entry.clone());
                }
            }
        }
        chosen
    }

    /// The table's defaults, where nothing was said and the default does not depend on other settings.
    pub(super) fn fill(&mut self) {
        let is_plain =
            |setting: &&Setting| setting.group != Group::Action && !CONDITIONAL.contains(&setting.key);
        for setting in SETTINGS.iter().filter(is_plain) {
            self.fill_one(setting.key);
        }
    }

    /// The table's default of one key, where nothing was said.
    pub(super) fn fill_one(&mut self, key: &'static str) {
        if let Some(text) = find(key).and_then(|setting| setting.default) {
            self.or_default(key, text);
        }
    }

    pub(super) fn or_default(&mut self, key: &'static str, text: impl Into<String>) {
        self.0.entry(key).or_insert_with(|| Won {
            rank: usize::MAX,
            entries: vec![Entry::new(key, text, Origin::Default)],
        });
    }

    /// Speaks for a key that a setting of that rank has decided.
    pub(super) fn say(&mut self, rank: usize, entry: Entry) {
        self.say_all(rank, vec![entry]);
    }

    /// The same for a key that may be repeated.
    pub(super) fn say_all(&mut self, rank: usize, entries: Vec<Entry>) {
        if let Some(key) = entries.first().map(|entry| entry.key) {
            self.0.insert(key, Won { rank, entries });
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Rank of the layer that gave a value; none where it is a default or missing.
    pub(super) fn given(&self, key: &str) -> Option<usize> {
        self.0.get(key).map(|won| won.rank).filter(|rank| *rank != usize::MAX)
    }

    pub(super) fn all(&self, key: &str) -> &[Entry] {
        self.0.get(key).map_or(&[], |won| won.entries.as_slice())
    }

    pub(super) fn one(&self, key: &str) -> Option<&Entry> {
        self.all(key).last()
    }

    /// Parses the value of a key, where it has one.
    pub(super) fn parse<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Option<T>, ConfigError> {
        self.one(key).map(|entry| parse(&entry.text).map_err(|wrong| entry.wrong(wrong))).transpose()
    }

    /// Parses the pieces of a repeatable key: each entry is cut by `cut`, each piece parsed with its entry as the culprit.
    pub(super) fn each<T>(
        &self,
        key: &str,
        cut: impl Fn(&str) -> Vec<String>,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, ConfigError> {
        let mut values = Vec::new();
        for entry in self.all(key) {
            for piece in cut(&entry.text) {
                let culprit = Entry::new(entry.key, piece.as_str(), entry.origin.clone());
                values.push(parse(&piece).map_err(|wrong| culprit.wrong(wrong))?);
            }
        }
        Ok(values)
    }

    /// One line per key in the table's order, secrets starred.
    pub(super) fn values(&self) -> Vec<Entry> {
        SETTINGS
            .iter()
            .filter_map(|setting| self.0.get(setting.key))
            .filter_map(|won| {
                let first = won.entries.first()?;
                let texts: Vec<String> = won.entries.iter().map(Entry::shown).collect();
                Some(Entry::new(first.key, texts.join(", "), first.origin.clone()))
            })
            .collect()
    }
}
