//! The examples and the action's metadata: read as their orchestrators read them, their commands as we do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::Value;

use crate::stage::{BINARY, Simulated, Stage, ended};

const IMAGE: &str = "ghcr.io/org/llm-loadtest:v1";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// The only document of a file, without anchors.
fn yaml(name: &str) -> Value {
    let text = std::fs::read_to_string(example(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut parser = Parser::new_from_str(&text);
    loop {
        let event = next(&mut parser);
        if let Event::DocumentStart(_) = event {
            let first = next(&mut parser);
            return node(&mut parser, first);
        }
    }
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    parser.next().unwrap().unwrap().0
}

fn node<'a>(parser: &mut Parser<'a, StrInput<'a>>, event: Event<'a>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => {
            text.parse::<u64>().map_or_else(|_| Value::from(text.into_owned()), Value::from)
        }
        Event::Scalar(text, ..) => Value::from(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => return Value::from(list),
                    event => list.push(node(parser, event)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = serde_json::Map::new();
            loop {
                match next(parser) {
                    Event::MappingEnd => return Value::from(map),
                    event => {
                        let key = node(parser, event).as_str().unwrap().to_owned();
                        let first = next(parser);
                        let value = node(parser, first);
                        assert!(map.insert(key.clone(), value).is_none(), "{key} twice");
                    }
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

/// All containers of a Job's pods, those that go before the others included.
fn containers(job: &Value) -> Vec<&Value> {
    let pod = &job["spec"]["template"]["spec"];
    ["initContainers", "containers"].iter().filter_map(|kind| pod[*kind].as_array()).flatten().collect()
}

/// The container that is ours.
fn ours(job: &Value) -> &Value {
    let all = containers(job);
    all.into_iter().find(|container| container["image"] == IMAGE).unwrap_or_else(|| panic!("{job}"))
}

/// The arguments as the kubelet expands them, `$(NAME)` by `NAME`.
fn arguments(container: &Value, variables: &[(&str, &str)]) -> Vec<String> {
    let expand = |argument: &Value| {
        let text = argument.as_str().unwrap().to_owned();
        let text =
            variables.iter().fold(text, |text, (name, value)| text.replace(&format!("$({name})"), value));
        assert!(!text.contains("$("), "{text} is not known");
        text
    };
    container["args"].as_array().unwrap().iter().map(expand).collect()
}

fn variable(container: &Value, name: &str) -> Value {
    let list = container["env"].as_array().unwrap();
    list.iter().find(|variable| variable["name"] == name).unwrap_or_else(|| panic!("{name}"))["value"].clone()
}

#[test]
fn the_jobs_of_kubernetes_are_indexed_and_say_how_many_they_are() {
    for way in ["volume", "object-store"] {
        let job = yaml(&format!("kubernetes/{way}/shards.yaml"));
        assert_eq!((&job["kind"], &job["apiVersion"]), (&"Job".into(), &"batch/v1".into()));
        let spec = &job["spec"];
        assert_eq!(spec["completionMode"], "Indexed");
        let count = spec["completions"].as_u64().unwrap();
        assert_eq!(spec["parallelism"], count);
        assert_eq!(variable(ours(&job), "JOB_COMPLETIONS"), count.to_string());
        assert_eq!(spec["backoffLimit"], 0);
        assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");

        let merge = yaml(&format!("kubernetes/{way}/merge.yaml"));
        for job in [&job, &merge] {
            for container in containers(job) {
                let image = container["image"].as_str().unwrap();
                assert!([IMAGE, "rclone/rclone:latest"].contains(&image), "{image}");
            }
        }
    }
    let claim = yaml("kubernetes/volume/results.yaml");
    assert_eq!(claim["spec"]["accessModes"][0], "ReadWriteMany");
    let job = yaml("kubernetes/volume/shards.yaml");
    let volume = &job["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
}

#[test]
fn the_commands_of_the_jobs_are_ours() {
    let stage = Stage::new();
    let variables = [("START_AT", "1999999999"), ("JOB_COMPLETION_INDEX", "2")];
    for way in ["volume", "object-store"] {
        let job = yaml(&format!("kubernetes/{way}/shards.yaml"));
        let run = arguments(ours(&job), &variables);
        assert_eq!(run[0], "run");
        // `info` reads the same flags and environment, and sends nothing.
        let words: Vec<&str> = std::iter::once("info").chain(run[1..].iter().map(String::as_str)).collect();
        let mut command = stage.command(&words);
        command.env("JOB_COMPLETIONS", "4").env("JOB_COMPLETION_INDEX", "2");
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("2/4") && text.contains("1999999999"), "{text}");

        let merge = yaml(&format!("kubernetes/{way}/merge.yaml"));
        let merge = arguments(ours(&merge), &variables);
        stage.run(&merge.iter().map(String::as_str).collect::<Vec<_>>()).says(2, &["cannot read /results"]);
    }
}

#[test]
fn the_matrix_passes_its_shards_on() {
    let workflow = yaml("workflows/sharded-load.yml");
    let jobs = &workflow["jobs"];
    assert_eq!((&jobs["shard"]["needs"], &jobs["merge"]["needs"]), (&"start".into(), &"shard".into()));
    assert_eq!(jobs["shard"]["strategy"]["matrix"]["shard"], serde_json::json!([0, 1, 2, 3]));
    assert_eq!(workflow["env"]["IMAGE"], IMAGE);
    let step = &jobs["shard"]["steps"][0];
    let variables: BTreeMap<&str, &str> =
        [("SERVER", "http://h:1"), ("SHARD", "3/4"), ("START_AT", "1999999999")].into();
    assert_eq!(step["env"]["SHARD"], "${{ matrix.shard }}/${{ strategy.job-total }}");
    let line = step["run"].as_str().unwrap();
    let (_, words) = line.split_once("\"$IMAGE\" run ").unwrap();
    let words = words.split_whitespace().map(|word| {
        let name = word.trim_matches('"').strip_prefix('$');
        name.map_or_else(|| word.to_owned(), |name| variables[name].to_owned())
    });
    let words: Vec<String> = std::iter::once("info".to_owned()).chain(words).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Stage::new().run(&words).says(0, &[]).prints(&["3/4"]);
}

#[test]
fn both_forms_of_the_action_are_of_this_version_and_take_the_same_inputs() {
    let (action, host) = (yaml("../action.yml"), yaml("../docker/action.yml"));
    let image = action["runs"]["image"].as_str().unwrap();
    let ours = concat!("docker://ghcr.io/org/llm-loadtest:", env!("CARGO_PKG_VERSION"), "@sha256:");
    assert!(image.starts_with(ours), "{image}");
    assert_eq!(host["inputs"]["image"]["default"], image["docker://".len()..]);
    // Without it, runners on Kubernetes refuse a container action.
    assert_eq!(action["runs"]["entrypoint"], "/usr/local/bin/llm-loadtest");

    let step = &host["runs"]["steps"][0];
    let mut inputs = host["inputs"].as_object().unwrap().clone();
    assert!(inputs.remove("image").is_some() && inputs.remove("docker-args").is_some());
    assert_eq!(Value::Object(inputs.clone()), action["inputs"]);
    for name in inputs.keys() {
        let variable = &step["env"][format!("INPUT_{}", name.to_uppercase())];
        assert_eq!(*variable, format!("${{{{ inputs.{name} }}}}"));
    }
    let outputs: Vec<_> = action["outputs"].as_object().unwrap().keys().collect();
    assert_eq!(outputs, host["outputs"].as_object().unwrap().keys().collect::<Vec<_>>());
    assert!(!step["run"].as_str().unwrap().contains("${{"), "inputs are never a part of the script");
}

#[test]
fn the_scripts_are_scripts() {
    for name in ["kubernetes/run.sh", "slurm/loadtest.sbatch"] {
        let status = Command::new("bash").arg("-n").arg(example(name)).status().unwrap();
        assert!(status.success(), "{name}");
    }
}

/// `srun` as this machine can have it: every task a process.
const SRUN: &str = r#"#!/usr/bin/env bash
shift # --kill-on-bad-exit
for task in 0 1 2; do
  SLURM_PROCID=$task SLURM_NTASKS=3 SLURM_STEP_ID=0 "$@" & tasks+=($!)
done
for task in "${tasks[@]}"; do wait "$task" || exit 1; done
"#;

#[test]
fn the_batch_script_measures_and_merges() {
    let stage = Stage::new();
    let server = Simulated::start("fast");
    stage.write("bin/srun", SRUN);
    std::os::unix::fs::symlink(BINARY, stage.path("bin/llm-loadtest")).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(stage.path("bin/srun"), executable).unwrap();
    let output = Command::new("bash")
        .arg(example("slurm/loadtest.sbatch"))
        .current_dir(stage.path(""))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", stage.path("bin").display()))
        .envs([("SLURM_JOB_ID", "7"), ("SERVER", server.url.as_str()), ("DURATION", "1s"), ("LEAD", "4")])
        .output()
        .unwrap();
    ended(&output).says(0, &["wrote loadtest-7/merged/result.json"]).prints(&["rate=400"]);
    let mut asked: Vec<u64> = stage
        .read("loadtest-7/merged/requests.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, (0..asked.len() as u64).collect::<Vec<_>>(), "each request once");
    assert!(asked.len() > 300, "{}", asked.len());
}
