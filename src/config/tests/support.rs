//! Ways to say settings in a line.

use std::collections::BTreeMap;

use crate::config::{Entry, Layers, Origin, Purpose, Resolved, RunPlan, SourceFile, resolve};

pub(super) fn layers(flags: &[(&'static str, &str)]) -> Layers {
    let flags = flags.iter().map(|(key, text)| Entry::new(key, *text, Origin::Flag((*key).to_owned())));
    Layers {
        purpose: Purpose::Gate,
        flags: flags.collect(),
        environment: BTreeMap::new(),
        env_file: None,
        files: Vec::new(),
    }
}

pub(super) fn with_server(flags: &[(&'static str, &str)]) -> Layers {
    let mut layers = layers(flags);
    layers.flags.push(Entry::new("server", "http://h:1", Origin::Flag("server".to_owned())));
    layers
}

pub(super) fn file(text: &str) -> Vec<SourceFile> {
    vec![SourceFile { path: "loadtest.yaml".to_owned(), text: text.to_owned() }]
}

pub(super) fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

pub(super) fn plan(flags: &[(&'static str, &str)]) -> RunPlan {
    resolve(with_server(flags)).unwrap().plan
}

pub(super) fn words(layers: Layers) -> String {
    let error = resolve(layers).unwrap_err();
    format!("{}\nhint: {}", error.message(), error.hint())
}

pub(super) fn wrong(key: &'static str, text: &str) -> String {
    words(with_server(&[(key, text)]))
}

pub(super) fn origin_of(resolved: &Resolved, key: &str) -> String {
    let entry = resolved.values.iter().find(|entry| entry.key == key).unwrap();
    format!("{} from {}", entry.text, entry.origin)
}
