//! Settings end to end: layers in, plan or words out.

use std::collections::BTreeMap;

use super::*;
use crate::base::{Nanos, Seed};
use crate::protocol::Api;
use crate::workload::{Arrivals, Dataset, Lengths, Limit, Load};

fn layers(flags: &[(&'static str, &str)]) -> Layers {
    let flags = flags
        .iter()
        .map(|(key, text)| Entry::new(key, *text, Origin::Flag((*key).to_owned())));
    Layers {
        purpose: Purpose::Gate,
        flags: flags.collect(),
        environment: BTreeMap::new(),
        env_file: None,
        files: Vec::new(),
    }
}

fn with_server(flags: &[(&'static str, &str)]) -> Layers {
    let mut layers = layers(flags);
    layers.flags.push(Entry::new(
        "server",
        "http://h:1",
        Origin::Flag("server".to_owned()),
    ));
    layers
}

fn file(text: &str) -> Vec<SourceFile> {
    vec![SourceFile {
        path: "loadtest.yaml".to_owned(),
        text: text.to_owned(),
    }]
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn plan(flags: &[(&'static str, &str)]) -> RunPlan {
    resolve(with_server(flags)).unwrap().plan
}

fn words(layers: Layers) -> String {
    let error = resolve(layers).unwrap_err();
    format!("{}\nhint: {}", error.message(), error.hint())
}

fn wrong(key: &'static str, text: &str) -> String {
    words(with_server(&[(key, text)]))
}

fn origin_of(resolved: &Resolved, key: &str) -> String {
    let entry = resolved.values.iter().find(|entry| entry.key == key).unwrap();
    format!("{} from {}", entry.text, entry.origin)
}

mod errors;
mod layering;
mod plans;
