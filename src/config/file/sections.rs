//! Sections of the file as settings: targets, models, workloads and the gate, every key checked.

use super::yaml::{self, Key, Kind, Node, at};
use super::{SourceFile, is_name};
use crate::config::error::{ConfigError, Entry, Origin, nearest, printable};
use crate::config::setting::{Section, Setting, Shape};
use crate::config::settings::SETTINGS;

/// Everything the files say.
#[derive(Debug, Default)]
pub(in crate::config) struct Document {
    pub(in crate::config) targets: Vec<Block>,
    pub(in crate::config) models: Vec<Block>,
    pub(in crate::config) workloads: Vec<Block>,
    pub(in crate::config) gate: Vec<Entry>,
}

/// One named item of a section.
#[derive(Debug)]
pub(in crate::config) struct Block {
    pub(in crate::config) name: String,
    pub(in crate::config) entries: Vec<Entry>,
}

/// Reads all files into one document; a section may stand in one of them.
pub(in crate::config) fn read(files: &[SourceFile]) -> Result<Document, ConfigError> {
    let mut document = Document::default();
    let mut seen: Vec<(String, String)> = Vec::new();
    for file in files {
        let Some(root) = yaml::read(file)? else { continue };
        let Kind::Map(sections) = root.kind else {
            if root.sort() == "nothing" {
                continue;
            }
            let hint = "start with 'workloads:'; `llm-loadtest init` writes a complete example";
            return Err(at(
                file,
                root.line,
                format!("the file is {}, not a map of sections", root.sort()),
                hint,
            ));
        };
        for (key, node) in sections {
            if let Some((_, first)) = seen.iter().find(|(name, _)| *name == key.text) {
                let problem = format!("'{}' stands in {first} too", printable(&key.text));
                return Err(at(file, key.line, problem, "keep one of them"));
            }
            section(file, &mut document, &key, node)?;
            seen.push((key.text, file.path.clone()));
        }
    }
    Ok(document)
}

fn section(file: &SourceFile, document: &mut Document, key: &Key, node: Node) -> Result<(), ConfigError> {
    match key.text.as_str() {
        "targets" => document.targets = blocks(file, Section::Target, node)?,
        "models" => document.models = blocks(file, Section::Model, node)?,
        "workloads" => document.workloads = blocks(file, Section::Workload, node)?,
        "gate" => document.gate = settings(file, Section::Gate, pairs(file, node, "gate")?)?,
        other => {
            let known = ["targets", "models", "workloads", "gate"];
            return Err(unknown(file, key, "section", other, &known));
        }
    }
    Ok(())
}

fn blocks(file: &SourceFile, section: Section, node: Node) -> Result<Vec<Block>, ConfigError> {
    let line = node.line;
    let hint = "write '- name: …' beneath it, one dash per item";
    let Kind::List(items) = node.kind else {
        return Err(at(file, line, format!("a list is needed here, this is {}", node.sort()), hint));
    };
    let mut blocks: Vec<Block> = Vec::new();
    for item in items {
        let line = item.line;
        let block = block(file, section, item)?;
        if blocks.iter().any(|other| other.name == block.name) {
            let problem = format!("the name '{}' is taken by an item above", printable(&block.name));
            return Err(at(file, line, problem, "give each item its own name"));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

fn block(file: &SourceFile, section: Section, item: Node) -> Result<Block, ConfigError> {
    let line = item.line;
    let mut pairs = pairs(file, item, "item")?;
    let place = pairs.iter().position(|(key, _)| key.text == "name");
    let (key, name) = match place.map(|index| pairs.remove(index)) {
        Some((key, node)) => match node.text() {
            Some(text) => (key, text.to_owned()),
            None => {
                return Err(at(file, node.line, format!("name: {} is no name", node.sort()), "write a word"));
            }
        },
        None => return Err(at(file, line, "the item has no name", "add 'name: …'")),
    };
    let mut entries = settings(file, section, pairs)?;
    let has = |wanted: &str| entries.iter().any(|entry| entry.key == wanted);
    match section {
        Section::Target if !has("server") && !has("server-command") && !has("server-image") => {
            let hint = "add 'base_url: http://localhost:8000', 'command: …' or 'image: …' to start it, or 'base_url: sim:h100-8b' for the simulator";
            return Err(at(file, line, format!("target '{}' has no base_url", printable(&name)), hint));
        }
        // A model's name is what the server is asked for, unless a full name says otherwise.
        Section::Model if !has("model") => {
            entries.push(Entry::new("model", name.clone(), origin(file, &key)));
        }
        _ => {}
    }
    Ok(Block { name, entries })
}

fn pairs(file: &SourceFile, node: Node, what: &str) -> Result<Vec<(Key, Node)>, ConfigError> {
    let sort = node.sort();
    match node.kind {
        Kind::Map(pairs) => Ok(pairs),
        Kind::Scalar { .. } | Kind::List(_) => Err(at(
            file,
            node.line,
            format!("{what}: 'key: value' lines are needed here, this is {sort}"),
            "write one 'key: value' per line, indented by two spaces",
        )),
    }
}

fn settings(file: &SourceFile, section: Section, pairs: Vec<(Key, Node)>) -> Result<Vec<Entry>, ConfigError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, node) in pairs {
        let added = if section == Section::Target && key.text == "api_key" {
            vec![api_key(file, &key, &node)?]
        } else {
            let setting = row(section, &key.text).ok_or_else(|| unknown_key(file, section, &key))?;
            convert(file, setting, &key, &node)?
        };
        let twice = added.first().and_then(|first| entries.iter().find(|entry| entry.key == first.key));
        if let Some(Origin::File { line, key: other, .. }) = twice.map(|entry| &entry.origin) {
            let problem = format!("'{}' and '{other}' (line {line}) are the same setting", key.text);
            return Err(at(file, key.line, problem, "keep one of them"));
        }
        entries.extend(added);
    }
    Ok(entries)
}

/// The setting that a key of a section names.
pub(in crate::config) fn row(section: Section, key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.file.iter().any(|(place, name)| *place == section && *name == key))
}

fn unknown_key(file: &SourceFile, section: Section, key: &Key) -> ConfigError {
    let mut known: Vec<&str> = SETTINGS
        .iter()
        .flat_map(|setting| setting.file)
        .filter(|(place, _)| *place == section)
        .map(|(_, name)| *name)
        .collect();
    if section == Section::Target {
        known.push("api_key");
    }
    if section != Section::Gate {
        known.push("name");
    }
    unknown(file, key, "key", &key.text, &known)
}

fn unknown(file: &SourceFile, key: &Key, what: &str, typed: &str, known: &[&str]) -> ConfigError {
    let hint = match nearest(typed, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("known here are {}", known.join(", ")),
    };
    at(file, key.line, format!("unknown {what} '{}'", printable(typed)), hint)
}

fn origin(file: &SourceFile, key: &Key) -> Origin {
    Origin::File { path: file.path.clone(), line: key.line, key: key.text.clone() }
}

/// `${NAME}` names a variable; anything else would be a key in a file, which ends up in a repository.
fn api_key(file: &SourceFile, key: &Key, node: &Node) -> Result<Entry, ConfigError> {
    let name = node
        .text()
        .and_then(|text| text.strip_prefix("${")?.strip_suffix('}'))
        .filter(|name| is_name(name))
        .ok_or_else(|| {
            let hint = "write 'api_key_env: NAME' (or 'api_key: ${NAME}') and put the key into that environment variable";
            at(file, key.line, "api_key: a key must not stand in a file", hint)
        })?;
    Ok(Entry::new("api-key-env", name, origin(file, key)))
}

fn convert(file: &SourceFile, setting: &Setting, key: &Key, node: &Node) -> Result<Vec<Entry>, ConfigError> {
    let entry = |line: usize, text: String| {
        let mut origin = origin(file, key);
        if let Origin::File { line: place, .. } = &mut origin {
            *place = line;
        }
        Entry::new(setting.key, text, origin)
    };
    let wrong = |node: &Node| {
        let problem = match node.sort() {
            "nothing" => format!("{}: there is no value", key.text),
            sort => format!("{}: {sort} cannot stand here", key.text),
        };
        at(file, node.line.max(key.line), problem, format!("write {}", example(setting.shape, &key.text)))
    };
    let item = |node: &Node| match node.text() {
        Some(text) => Ok(entry(node.line, text.to_owned())),
        None => Err(wrong(node)),
    };
    match (&node.kind, setting.shape) {
        (Kind::Scalar { .. }, _) => Ok(vec![item(node)?]),
        (Kind::Map(_), Shape::Json) => Ok(vec![entry(key.line, node.json().to_string())]),
        (Kind::Map(pairs), Shape::Pairs) => pairs
            .iter()
            .map(|(name, value)| {
                let text = value.text().ok_or_else(|| wrong(value))?;
                Ok(entry(name.line, format!("{}:{text}", name.text)))
            })
            .collect(),
        (Kind::Map(pairs), Shape::Weights) => pairs
            .iter()
            .map(|(name, value)| {
                let weight = value.text().ok_or_else(|| wrong(value))?;
                Ok(entry(name.line, format!("{}={weight}", name.text)))
            })
            .collect(),
        (Kind::List(items), Shape::Weights) if !items.is_empty() => items
            .iter()
            .map(|node| Ok(entry(node.line, weighted(node).ok_or_else(|| wrong(node))?)))
            .collect(),
        (Kind::List(items), Shape::Lengths) => match items.as_slice() {
            [low, high] => match (low.text(), high.text()) {
                (Some(low), Some(high)) => Ok(vec![entry(node.line, format!("{low}:{high}"))]),
                _ => Err(wrong(node)),
            },
            _ => Err(wrong(node)),
        },
        (Kind::List(items), Shape::Words) => {
            let words = items.iter().map(|node| node.text().ok_or_else(|| wrong(node)));
            let words = shlex::try_join(words.collect::<Result<Vec<_>, _>>()?).map_err(|_| wrong(node))?;
            Ok(vec![entry(node.line, words)])
        }
        (Kind::List(items), shape) if shape.repeats() && shape != Shape::Json && !items.is_empty() => {
            items.iter().map(item).collect()
        }
        (Kind::List(_) | Kind::Map(_), _) => Err(wrong(node)),
    }
}

/// `chat=3`, or `{workload: chat, weight: 3}` with any word for the name's key.
fn weighted(node: &Node) -> Option<String> {
    let Kind::Map(pairs) = &node.kind else { return node.text().map(str::to_owned) };
    let (mut name, mut weight) = (None, "1");
    for (key, value) in pairs {
        match key.text.as_str() {
            "weight" => weight = value.text()?,
            "workload" | "model" | "name" if name.is_none() => name = Some(value.text()?),
            _ => return None,
        }
    }
    Some(format!("{}={weight}", name?))
}

fn example(shape: Shape, key: &str) -> String {
    let text = match shape {
        Shape::Text => "one text",
        Shape::Choice(words) => return format!("'{key}: {}'", words.join("' or '")),
        Shape::Switch => "true or false",
        Shape::Count => "one whole number",
        Shape::Number => "one number",
        Shape::Duration => "one duration, for example 30s",
        Shape::Share => "one percentage, for example 3%",
        Shape::Lengths => "a number or [low, high], for example 256 or [128, 512]",
        Shape::Weights => "a map or list of names with weights, for example {chat: 3, rag: 1}",
        Shape::Counts => "a number or a list, for example [1, 10, 50]",
        Shape::Numbers => "a number or a list, for example [2, 4, 8]",
        Shape::Texts => "a list of texts, for example ['goodput >= 95%']",
        Shape::Pairs => "a map of single values, for example {name: value}",
        Shape::Words => "a text or a list of words, for example ['--max-model-len', 8192]",
        Shape::Json => "a map, for example {top_p: 0.9}",
    };
    format!("'{key}: …' with {text}")
}
