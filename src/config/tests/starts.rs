//! Servers that are started: what is said of one side, what the other takes over, and what makes no sense.

use std::collections::BTreeMap;

use super::support::{file, layers, variables, words};
use crate::config::{Gpus, Image, Launch, Layers, Pull, RunPlan, Starter, resolve};

fn plan(layers: Layers) -> RunPlan {
    resolve(layers).unwrap().plan
}

fn image(launch: Option<&Launch>) -> &Image {
    match launch.map(|launch| &launch.starter) {
        Some(Starter::Image(image)) => image,
        other => panic!("{other:?} is no image"),
    }
}

fn env(launch: Option<&Launch>) -> BTreeMap<&str, &str> {
    let env = &launch.unwrap().env;
    env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

#[test]
fn a_command_has_a_url_that_fits_it() {
    let urls = |flags: &[(&'static str, &str)]| plan(layers(flags)).target.base_urls.join(" ");
    assert_eq!(urls(&[("server-command", "serve --port {port}")]), "http://127.0.0.1:{port}");
    assert_eq!(urls(&[("server-command", "serve")]), "http://127.0.0.1:8000");
    let own = [("server-command", "serve {port}"), ("server", "https://runner-host:{port}/base/v1")];
    assert_eq!(urls(&own), "https://runner-host:{port}/base");
    assert_eq!(urls(&[("server-image", "a/b:1")]), "http://{container}:8000");
    assert_eq!(urls(&[("server-image", "a/b:1"), ("server-port", "30000")]), "http://{container}:30000");
}

#[test]
fn all_that_is_said_of_an_image_arrives() {
    let mut given = layers(&[
        ("server-image", "vllm/vllm-openai:v1"),
        ("server-args", "--model 'a b' --quiet"),
        ("server-env", "HF_TOKEN"),
        ("server-env", "MODE=a=b:c"),
        ("server-gpus", "0, 1"),
        ("server-volume", "/data:/cache:ro"),
        ("server-shm-size", "64GiB"),
        ("server-pull", "never"),
    ]);
    given.environment = variables(&[("HF_TOKEN", "hf-secret")]);
    let resolved = resolve(given).unwrap();
    let launch = resolved.plan.target.launch.as_ref();
    let wanted = Image {
        name: "vllm/vllm-openai:v1".to_owned(),
        args: ["--model", "a b", "--quiet"].map(str::to_owned).to_vec(),
        gpus: Gpus::Devices(vec!["0".to_owned(), "1".to_owned()]),
        volumes: vec!["/data:/cache:ro".to_owned()],
        shm_bytes: 64 << 30,
        pull: Pull::Never,
    };
    assert_eq!(image(launch), &wanted);
    assert_eq!(env(launch), BTreeMap::from([("HF_TOKEN", "hf-secret"), ("MODE", "a=b:c")]));
    let shown = format!("{resolved:?}");
    assert!(!shown.contains("hf-secret") && !shown.contains("a=b:c"), "{shown}");
    let plain = plan(layers(&[("server-image", "a")]));
    assert_eq!((plain.target.name.as_str(), &image(plain.target.launch.as_ref()).gpus), ("a", &Gpus::Auto));
}

#[test]
fn a_baseline_is_as_the_candidate_in_all_that_is_not_said() {
    let flags =
        [("server-image", "a:2"), ("server-args", "-x"), ("server-env", "A=1"), ("server-env", "B=2")];
    let with = |more: &[(&'static str, &str)]| plan(layers(&[&flags[..], more].concat()));
    let baseline = |more: &[(&'static str, &str)]| with(more).baseline.unwrap();
    let older = baseline(&[("baseline-server-image", "a:1"), ("baseline-server-env", "B=3")]);
    assert_eq!((image(older.launch.as_ref()).name.as_str(), older.in_turn), ("a:1", true));
    assert_eq!(image(older.launch.as_ref()).args, ["-x"]);
    assert_eq!(env(older.launch.as_ref()), BTreeMap::from([("A", "1"), ("B", "3")]));
    let slower = baseline(&[("baseline-server-args", "-y"), ("server-turns", "together")]);
    assert_eq!((image(slower.launch.as_ref()).name.as_str(), slower.in_turn), ("a:2", false));
    assert_eq!(image(slower.launch.as_ref()).args, ["-y"]);
    let elsewhere = baseline(&[("baseline-server", "http://h:1")]);
    assert!(elsewhere.launch.is_none() && !elsewhere.in_turn);
    assert!(with(&[]).baseline.is_none());
    assert!(!with(&[("baseline-server-image", "a:2")]).has_one_server());
}

#[test]
fn targets_of_a_file_are_started_on_either_side() {
    let mut given = layers(&[("workload", "w"), ("server", "new")]);
    given.environment = variables(&[("TOKEN", "secret")]);
    given.files = file(
        "targets:\n  - name: new\n    image: a:2\n    args: [--len, 8192, 'two words']\n    env: {T: '${TOKEN}'}\n  \
         - name: old\n    image: a:1\nworkloads:\n  - name: w\ngate:\n  baseline_server: old\n",
    );
    let plan = plan(given);
    assert_eq!(image(plan.target.launch.as_ref()).args, ["--len", "8192", "two words"]);
    assert_eq!(env(plan.target.launch.as_ref()), BTreeMap::from([("T", "secret")]));
    let baseline = plan.baseline.unwrap();
    assert_eq!((image(baseline.launch.as_ref()).name.as_str(), plan.target.name.as_str()), ("a:1", "new"));
    // What a flag starts is stronger than what the file would start.
    let mut given = layers(&[("server-command", "serve")]);
    given.files = file("targets:\n  - name: t\n    image: a:2\n    args: -x\nworkloads:\n  - name: w\n");
    let launch = super::support::origin_of(&resolve(given.clone()).unwrap(), "server-command");
    assert_eq!(launch, "serve from flag --server-command");
}

#[test]
fn the_load_is_the_same_whatever_is_started() {
    let hash = |flags: &[(&'static str, &str)]| plan(layers(flags)).workload_hash();
    let plain = hash(&[("server", "http://h:1")]);
    assert_eq!(hash(&[("server-command", "x")]), plain);
    assert_eq!(hash(&[("server-image", "x"), ("baseline-server-image", "y")]), plain);
}

#[test]
fn mistakes_are_named() {
    let all = [
        &[("server-image", "a b")][..],
        &[("server-image", "a"), ("server-args", "'open")],
        &[("server-image", "a"), ("server-gpus", "all,0")],
        &[("server-image", "a"), ("server-volume", "data:relative")],
        &[("server-image", "a"), ("server-volume", "./data:/x")],
        &[("server-image", "a"), ("server-shm-size", "much")],
        &[("server-image", "a"), ("server-port", "70000")],
        &[("server-image", "a"), ("server", "http://{container}:{port}")],
        &[("server-command", "a"), ("server-ready", "health")],
        &[("server-command", "a"), ("server-env", "1A=sk-secret")],
        &[("server-command", "a"), ("server", "http://h:1,http://h:2")],
        &[("server-command", "a"), ("baseline-server", "http://h:1"), ("server-turns", "in-turn")],
        &[("server-command", "a"), ("baseline-server-args", "-x")],
        &[("server", "http://h:1"), ("server-volume", "/a:/b")],
    ];
    let text: Vec<String> = all.iter().map(|flags| words(layers(flags))).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    --server-image a b: not an image's name
    hint: write for example vllm/vllm-openai:v0.11.0
    --server-args 'open: a quote is not closed
    hint: close it, or write \' for the mark itself
    --server-gpus all,0: not GPUs
    hint: write all, none, or indices or UUIDs with commas, for example 0,1
    --server-volume data:relative: the container's side is no absolute path
    hint: write for example /data/hf:/root/.cache/huggingface, with :ro at its end to forbid writing
    --server-volume ./data:/x: the host's side is neither an absolute path nor a volume's name
    hint: write for example /data/hf:/root/.cache/huggingface, with :ro at its end to forbid writing
    --server-shm-size much: not a size
    hint: write for example 512m or 16g
    --server-port 70000: out of range
    hint: write a whole number from 1 to 65535
    --server http://{container}:{port}: a container is reached at its own address, which only its start tells
    hint: leave --server out, or write http://{container}:8000 with the container's port
    --server-ready health: neither a path nor a URL
    hint: write for example /health or http://127.0.0.1:8001/ready
    --server-env 1A=***: not a variable's name
    hint: write NAME=VALUE, or NAME to pass our own on
    --server http://h:1,http://h:2: only one server can be started
    hint: start them before, and leave out --server-command and --server-image
    --server-turns in-turn: one of the two servers is not started here
    hint: start both, or write together
    --baseline-server-args -x: this is said of a container, and there is none
    hint: name the image with --server-image; words of a command belong into --server-command
    --server-volume /a:/b: this is said of a container, and there is none
    hint: name the image with --server-image; words of a command belong into --server-command
    ");
}
