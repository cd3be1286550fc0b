//! Every flag, by every name.

use std::collections::BTreeMap;

use clap::{CommandFactory, Parser};

use super::{Cli, Command};
use crate::config::{Entry, Group, Layers, Purpose, SETTINGS, Shape, resolve};
use crate::document::v1::sample;
use crate::document::v1::service::LanguageDocument;
use crate::protocol::Api;
use crate::report::analysis::analysis;
use crate::workload::{Dataset, Lengths, Limit, Workload};

fn said(line: &[&str]) -> Vec<Entry> {
    let line = ["llm-loadtest"].iter().chain(line);
    match Cli::try_parse_from(line).unwrap().command {
        Command::Run(args) => args.flags(),
        Command::Gate(args) => args.flags(),
        Command::Action(args) => args.flags(),
        other => panic!("{other:?}"),
    }
}

fn texts(line: &[&str]) -> Vec<String> {
    said(line).iter().map(|entry| format!("{entry:?}")).collect()
}

#[test]
fn the_command_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_name_of_every_setting_is_a_flag() {
    let mut names = 0;
    for setting in SETTINGS {
        let command = match setting.group {
            Group::Gate => "gate",
            Group::Action => "action",
            _ => "run",
        };
        let short = setting.short.map(|short| format!("-{short}"));
        let long = setting.aliases.iter().chain([&setting.key]).map(|name| format!("--{name}"));
        for name in long.chain(short) {
            let line = match setting.shape {
                Shape::Switch => vec![command, &name],
                _ => vec![command, &name, "1"],
            };
            let entries = said(&line);
            assert_eq!(entries.len(), 1, "{name}");
            assert_eq!(entries[0].key, setting.key, "{name}");
            names += 1;
        }
    }
    assert!(names > 90, "{names}");
}

#[test]
fn switches_go_both_ways_and_the_last_word_counts() {
    assert_eq!(texts(&["run", "--stream"]), ["stream = true (flag --stream)"]);
    assert_eq!(texts(&["run", "--stream=false"]), ["stream = false (flag --stream)"]);
    assert_eq!(texts(&["run", "--no-stream"]), ["stream = false (flag --no-stream)"]);
    assert_eq!(texts(&["run", "--stream", "--disable-stream"]), ["stream = false (flag --no-stream)"]);
    assert_eq!(texts(&["run", "--no-ignore-eos", "--ignore-eos"]), ["ignore-eos = true (flag --ignore-eos)"]);
    assert_eq!(texts(&["gate", "--no-save-baseline"]), ["save-baseline = false (flag --no-save-baseline)"]);
}

#[test]
fn several_values_stand_after_one_flag_or_repeat_it() {
    let both = ["goodput = ttft:500 (flag --goodput)", "goodput = tpot:50 (flag --goodput)"];
    assert_eq!(texts(&["run", "--goodput", "ttft:500", "tpot:50"]), both);
    assert_eq!(texts(&["run", "--goodput", "ttft:500", "--goodput", "tpot:50"]), both);
    assert!(Cli::try_parse_from(["llm-loadtest", "run", "--seed", "1", "--seed", "2"]).is_err());
}

#[test]
fn a_secret_flag_is_not_printed() {
    let args = Cli::try_parse_from(["llm-loadtest", "run", "--api-key", "hunter2"]).unwrap();
    assert!(!format!("{args:?}").contains("hunter2"));
}

#[test]
fn gate_flags_are_not_run_flags() {
    let error = Cli::try_parse_from(["llm-loadtest", "run", "--rounds", "3"]).unwrap_err();
    assert_eq!(error.kind(), clap::error::ErrorKind::UnknownArgument);
    let error = Cli::try_parse_from(["llm-loadtest", "gate", "--find-max-rate"]).unwrap_err();
    assert_eq!(error.kind(), clap::error::ErrorKind::UnknownArgument);
}

#[test]
fn the_other_commands_read_their_lines() {
    for line in [
        "compare a.json b.json --format markdown",
        "compare a.json b.json c.json --format json",
        "analyze result.json --language ko --format markdown --baseline a.json",
        "analyze result.json --model m --server http://h:8000 --api-key-env KEY --format json -o a.json",
        "baseline save result.json",
        "baseline show",
        "baseline --baselines there list",
        "baseline promote key session --baselines there",
        "baseline prune",
        "merge shards --output merged --partial",
        "history",
        "history key --metric ttft_p95 --metric goodput --level c=32 --format html -o h.html --baselines there",
        "bisect --good v1 --bad main --run make --server http://h:8000 --tolerance ttft_p95:20%",
        "merge a/result.json b/result.json -q --json",
        "report result.json --format junit --output junit.xml",
        "simulate --listen 127.0.0.1:0 h100-8b?seed=1 --start 3",
        "info --config loadtest.yaml --rate 3 --rounds 4",
        "info --schema",
        "init",
        "init other.yaml --force",
    ] {
        let words = ["llm-loadtest"].into_iter().chain(line.split(' '));
        assert!(Cli::try_parse_from(words).is_ok(), "{line}");
    }
}

#[test]
fn help_groups_the_flags_and_lists_the_exit_codes() {
    let mut command = Cli::command();
    let help = command.render_help().to_string();
    assert!(help.contains("4    not decided"), "{help}");
    let gate = command.find_subcommand_mut("gate").unwrap().render_help().to_string();
    for group in ["Server:", "Load:", "Requests:", "Waiting:", "Gate:", "Files and output:"] {
        assert!(gate.contains(group), "{group}");
    }
}

#[test]
fn a_line_written_for_another_tool_becomes_a_plan() {
    let line = "run --backend vllm --base-url http://h:8000/v1 --model m --dataset-name random --random-input-len 1024 \
                --random-output-len 64 --request-rate 4 --num-prompts 500 --goodput ttft:500 tpot:50 e2el:9000 --seed 3";
    let layers = Layers {
        purpose: Purpose::Run,
        flags: said(&line.split_whitespace().collect::<Vec<_>>()),
        environment: BTreeMap::new(),
        env_file: None,
        files: Vec::new(),
    };
    let plan = resolve(layers).unwrap().plan;
    assert_eq!((plan.api, plan.target.base_url()), (Api::Completions, "http://h:8000"));
    assert_eq!((plan.levels[0].label().as_str(), plan.levels[0].limit), ("rate=4", Limit::Requests(500)));
    let workload = &plan.parts[0].workload;
    assert_eq!((&workload.input, &workload.output), (&Lengths::Fixed(1024), &Some(Lengths::Fixed(64))));
    assert_eq!((plan.slos.len(), plan.seed.0), (3, 3));
}

#[test]
fn lines_that_describe_data_for_other_tools_become_plans() {
    let told = |line: &str| {
        let layers = Layers {
            purpose: Purpose::Run,
            flags: said(&line.split_whitespace().collect::<Vec<_>>()),
            environment: BTreeMap::new(),
            env_file: None,
            files: Vec::new(),
        };
        let plan = resolve(layers).unwrap().plan;
        let Workload { input, output, dataset, prefix, conversation, models, .. } = &plan.parts[0].workload;
        let dataset = match dataset {
            Dataset::File(file) => format!("{} {}", file.format.id(), file.path.display()),
            other => format!("{other:?}"),
        };
        let prefix = prefix.map(|prefix| format!(", {} groups of {}", prefix.groups, prefix.tokens));
        let turns = conversation
            .as_ref()
            .and_then(|talk| talk.turns.as_ref())
            .map(|turns| format!(", {turns} turns"));
        let output = output.as_ref().map(ToString::to_string);
        format!(
            "{dataset}: {input} -> {output:?}{}{}, {} models",
            prefix.unwrap_or_default(),
            turns.unwrap_or_default(),
            models.len()
        )
    };
    let lines = [
        // vLLM
        "run --base-url http://h --dataset-name sharegpt --dataset-path ShareGPT.json --lora-modules a b",
        "run --base-url http://h --dataset-name random --random-input-len 1000 --random-range-ratio 0.5 --random-prefix-len 64",
        "run --base-url http://h --dataset-name sonnet --sonnet-input-len 350",
        "run --base-url http://h --dataset-name prefix_repetition --prefix-repetition-prefix-len 256 --prefix-repetition-suffix-len 128 --prefix-repetition-num-prefixes 10",
        "run --base-url http://h --dataset-name custom --dataset-path rows.jsonl",
        // SGLang
        "run --base-url http://h --dataset-name generated-shared-prefix --gsp-num-groups 8 --gsp-system-prompt-len 2048 --gsp-question-len 128 --gsp-output-len 256",
        // AIPerf
        "run --url http://h --isl 550 --isl-stddev 150 --osl 128 --num-prefix-prompts 4 --prefix-prompt-length 100 --conversation-turn-mean 3 --num-conversations 9",
    ];
    insta::assert_snapshot!(lines.map(told).join("\n"), @r#"
    sharegpt ShareGPT.json: 256 -> None, 2 models
    Synthetic: 500-1500 -> Some("64-192"), 1 groups of 64, 0 models
    Sonnet: 350 -> Some("150"), 1 groups of 200, 0 models
    Synthetic: 128 -> Some("128"), 10 groups of 256, 0 models
    custom rows.jsonl: 256 -> None, 0 models
    Synthetic: 128 -> Some("256"), 8 groups of 2048, 0 models
    Synthetic: normal:550,150 -> Some("128"), 4 groups of 100, 3 turns, 0 models
    "#);
}

#[test]
fn the_experiments_that_an_analysis_proposes_are_command_lines_of_ours() {
    let mut sound = sample::run();
    sound.levels.iter_mut().for_each(|level| level.failures.clear());
    let mut sweep = sound.clone();
    for (label, latency) in [("c=8", 2_900.0), ("c=64", 9_000.0)] {
        let mut level = sweep.levels[0].clone();
        level.label = label.to_owned();
        level.metrics.get_mut("e2e").unwrap().mean = Some(latency);
        level.values.insert("output_throughput".to_owned(), 500.0);
        sweep.levels.push(level);
    }
    let mut free = sweep.clone();
    free.plan.workload.slos.clear();
    for (run, word) in [
        (sample::run(), "--concurrency"),
        (sound, "--concurrency"),
        (sweep, "--find-max-concurrency"),
        (free, "gate"),
        (sample::search(), "--rate"),
    ] {
        let command = analysis(&run, None, LanguageDocument::Korean, "x").command;
        let words = shlex::split(&command).unwrap();
        assert!(words.iter().any(|one| one == word), "{word} is not in {command}");
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}
