//! The command that repeats a measurement, from nothing but its document.

use crate::document::v1::{
    BaselineServerDocument, GoalDocument, LaunchDocument, LoadDocument, MannerDocument, ObjectiveDocument,
    PlanDocument, RunDocument, SearchDocument, SloDocument, TraceDocument, WorkloadDocument,
};

/// One line for a shell: every setting that moves the numbers, and how they were judged. Headers and keys are left to the user.
pub fn line(run: &RunDocument) -> String {
    let plan = &run.plan;
    let mut words = vec![format!("llm-loadtest {}", if run.verdict.is_some() { "gate" } else { "run" })];
    let mut flag = |name: &str, value: String| words.push(format!("--{name} {}", quoted(&value)));
    flag("workload", run.name.clone());
    let urls: Vec<&str> =
        std::iter::once(&plan.target.url).chain(&plan.target.more_urls).map(String::as_str).collect();
    flag("server", urls.join(","));
    if let Some(launch) = &plan.target.launch {
        starting(launch, "", &mut flag);
    }
    optional(&mut flag, "url-strategy", plan.target.url_strategy.as_ref());
    flag("model", run.fingerprint.model.clone());
    load(plan, run.search.as_ref(), &mut flag);
    if let Some(search) = &run.search {
        searching(search, &mut flag);
    }
    if let Some(hardware) = &plan.target.hardware {
        flag("hardware", hardware.clone());
    }
    if run.verdict.is_some() {
        judging(plan, &mut flag);
    }
    flag("seed", plan.seed.to_string());
    if let Some(search) = &run.search {
        words.push(format!("--find-max-{}", goal(search)));
    }
    if !plan.workload.stream {
        words.push("--no-stream".to_owned());
    }
    if !plan.workload.ignore_eos {
        words.push("--no-ignore-eos".to_owned());
    }
    words.join(" ")
}

/// How a server is started; the values of its variables come from the reader's own environment.
fn starting(launch: &LaunchDocument, side: &str, flag: &mut impl FnMut(&str, String)) {
    let LaunchDocument { command, image, args, env_names, gpus, volumes, shm_bytes, ready, timeout_s } =
        launch;
    let words = || args.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    optional(flag, &format!("{side}server-command"), command.as_ref());
    optional(flag, &format!("{side}server-image"), image.as_ref());
    optional(flag, &format!("{side}server-args"), (!args.is_empty()).then(words).as_ref());
    for name in env_names {
        flag(&format!("{side}server-env"), name.clone());
    }
    optional(flag, "server-gpus", gpus.as_ref());
    for volume in volumes {
        flag("server-volume", volume.clone());
    }
    optional(flag, "server-shm-size", shm_bytes.as_ref());
    optional(flag, "server-ready", ready.as_ref());
    flag("server-timeout", format!("{timeout_s}s"));
}

fn load(plan: &PlanDocument, search: Option<&SearchDocument>, flag: &mut impl FnMut(&str, String)) {
    let workload = &plan.workload;
    let all = |pick: fn(&LoadDocument) -> Option<String>| {
        workload.levels.iter().filter_map(pick).collect::<Vec<_>>().join(",")
    };
    flag("api", workload.api.clone());
    for (name, values) in [
        ("concurrency", all(|level| level.concurrency.map(|count| count.to_string()))),
        ("rate", all(|level| level.rate.map(|rate| rate.to_string()))),
    ] {
        // A search finds its levels again by itself.
        if !values.is_empty() && search.is_none() {
            flag(name, values);
        }
    }
    if let Some(level) = workload.levels.first() {
        shape(level, flag);
        if search.is_none_or(|search| search.sized) {
            limits(level, flag);
        }
    }
    let scales = all(|level| level.trace.as_ref().map(|trace| trace.time_scale.to_string()));
    asked(workload, &scales, flag);
    optional(flag, "warmup", workload.warmup_requests.as_ref());
    optional(flag, "temperature", workload.sampling.temperature.as_ref());
    optional(flag, "extra-body", workload.sampling.extra_body.as_ref());
    optional(flag, "tokenizer", workload.tokenizer.as_ref());
    if !workload.slos.is_empty() {
        let slos =
            workload.slos.iter().map(|SloDocument { metric, limit_ms }| format!("{metric}:{limit_ms}"));
        flag("goodput", slos.collect::<Vec<_>>().join(","));
    }
}

/// What all levels of a sweep share.
fn shape(level: &LoadDocument, flag: &mut impl FnMut(&str, String)) {
    let LoadDocument {
        label: _,
        concurrency: _,
        rate: _,
        arrivals,
        burstiness,
        ramp_up_s,
        ramp_up_from,
        stages,
        trace,
        max_in_flight,
        requests: _,
        duration_s: _,
    } = level;
    let seconds = |seconds: f64| format!("{seconds}s");
    optional(flag, "stages", stages.as_ref());
    optional(flag, "arrivals", arrivals.as_ref());
    optional(flag, "burstiness", burstiness.as_ref());
    optional(flag, "ramp-up", ramp_up_s.map(seconds).as_ref());
    optional(flag, "ramp-up-from", ramp_up_from.as_ref());
    if let Some(TraceDocument { time_scale: _, from_s, until_s, unit, block_tokens }) = trace {
        optional(flag, "trace-from", (*from_s > 0.0).then(|| seconds(*from_s)).as_ref());
        optional(flag, "trace-until", until_s.map(seconds).as_ref());
        optional(flag, "trace-unit", unit.as_ref());
        flag("trace-block", block_tokens.to_string());
    }
    optional(flag, "max-in-flight", max_in_flight.as_ref());
}

/// When each level ends.
fn limits(level: &LoadDocument, flag: &mut impl FnMut(&str, String)) {
    optional(flag, "num-prompts", level.requests.as_ref());
    optional(flag, "duration", level.duration_s.map(|seconds| format!("{seconds}s")).as_ref());
}

fn goal(search: &SearchDocument) -> &'static str {
    match search.goal {
        GoalDocument::Rate => "rate",
        GoalDocument::Concurrency => "concurrency",
    }
}

fn searching(search: &SearchDocument, flag: &mut impl FnMut(&str, String)) {
    let share = |share: f64| format!("{}%", crate::report::number::tidy(share * 100.0));
    optional(flag, goal(search), search.start.as_ref());
    flag("attainment", share(search.attainment));
    flag("search-precision", share(search.precision));
    flag("search-max-levels", search.levels_max.to_string());
    flag("search-budget", format!("{}s", search.budget_s));
}

/// What a mix mixes stands in the file that the reader has; anything else in flags.
fn asked(workload: &WorkloadDocument, scales: &str, flag: &mut impl FnMut(&str, String)) {
    if !workload.parts.is_empty() {
        let parts = workload.parts.iter().map(|part| format!("{}={}", part.name, part.weight));
        return flag("mix", parts.collect::<Vec<_>>().join(","));
    }
    match workload.dataset.as_str() {
        trace if !scales.is_empty() => {
            flag("trace", trace.to_owned());
            flag("time-scale", scales.to_owned());
        }
        "synthetic" => {}
        other => flag("dataset", other.to_owned()),
    }
    // Prompts from a file have their own lengths, and leave that of the answer to the server where nothing is said.
    let built = matches!(workload.dataset.as_str(), "synthetic" | "sonnet");
    if built {
        flag("input-len", law(&workload.input_tokens));
    }
    let output = workload.output_tokens.as_deref().map(law);
    optional(flag, "output-len", output.or_else(|| built.then(|| "auto".to_owned())).as_ref());
    let MannerDocument {
        dataset_format,
        prompt_column,
        output_column,
        prefix_tokens,
        prefix_groups,
        distinct_prompts,
        turns,
        think_time,
        cancel_rate,
        cancel_after,
        models,
    } = &workload.manner;
    optional(flag, "dataset-format", dataset_format.as_ref());
    optional(flag, "prompt-column", prompt_column.as_ref());
    optional(flag, "output-column", output_column.as_ref());
    optional(flag, "prefix-len", prefix_tokens.as_ref());
    if workload.dataset == "sonnet" && prefix_tokens.is_none() {
        // Verse has a prefix where nothing is said of one.
        flag("prefix-len", "0".to_owned());
    }
    optional(flag, "prefix-groups", prefix_groups.as_ref());
    optional(flag, "distinct-prompts", distinct_prompts.as_ref());
    optional(flag, "turns", turns.as_deref().map(law).as_ref());
    optional(flag, "think-time", think_time.as_ref());
    optional(
        flag,
        "cancel-rate",
        cancel_rate.map(|share| format!("{}%", crate::report::number::tidy(share * 100.0))).as_ref(),
    );
    optional(flag, "cancel-after", cancel_after.as_ref());
    if !models.is_empty() {
        let models = models.iter().map(|model| format!("{}={}", model.name, model.weight));
        flag("models", models.collect::<Vec<_>>().join(","));
    }
    // What repeats is mixed and what does not is cold, unless it was said otherwise.
    let repeats = !built || prefix_tokens.is_some() || distinct_prompts.is_some();
    if workload.cache != if repeats { "mixed" } else { "cold" } {
        flag("cache", workload.cache.clone());
    }
}

/// `64-128` as a setting writes it; other laws are written the same everywhere.
fn law(text: &str) -> String {
    match text.split_once('-') {
        Some((low, high)) if format!("{low}{high}").bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{low}:{high}")
        }
        _ => text.to_owned(),
    }
}

fn judging(plan: &PlanDocument, flag: &mut impl FnMut(&str, String)) {
    let gate = &plan.gate;
    let looks = if gate.looks.is_empty() { vec![gate.rounds] } else { gate.looks.clone() };
    flag("rounds", looks.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    if let Some(BaselineServerDocument { urls, model, launch, in_turn }) = &plan.baseline_server {
        flag("baseline-server", urls.join(","));
        if let Some(launch) = launch {
            let alone = plan.target.launch.is_none();
            starting(launch, "baseline-", &mut |name, value| {
                // What belongs to both sides was said with the candidate's.
                if alone || name.starts_with("baseline-") {
                    flag(name, value);
                }
            });
            if plan.target.launch.is_some() && !in_turn {
                flag("server-turns", "together".to_owned());
            }
        }
        optional(flag, "baseline-model", model.as_ref());
    }
    if gate.robust {
        flag("robust", "true".to_owned());
    }
    optional(flag, "budget", gate.budget_s.map(|seconds| format!("{seconds}s")).as_ref());
    if !plan.gate.tolerances.is_empty() {
        let all = plan
            .gate
            .tolerances
            .iter()
            .map(|(name, share)| format!("{name}:{}%", crate::report::number::tidy(share * 100.0)));
        flag("tolerance", all.collect::<Vec<_>>().join(","));
    }
    for ObjectiveDocument { metric, bound, limit } in &plan.gate.objectives {
        flag("objective", format!("{metric} {} {limit}", if bound == "at_most" { "<=" } else { ">=" }));
    }
    optional(
        flag,
        "max-error-rate",
        plan.gate.max_error_rate.map(|share| format!("{}%", share * 100.0)).as_ref(),
    );
}

fn optional(flag: &mut impl FnMut(&str, String), name: &str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        flag(name, value.to_string());
    }
}

/// As a POSIX shell reads one word.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/=@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{self, Entry, Layers, Origin, Purpose, SETTINGS};
    use crate::document::v1::sample;
    use crate::gate::Decision;

    #[test]
    fn a_line_holds_what_moves_the_numbers_and_survives_a_shell() {
        let mut run = sample::gate(Decision::Pass);
        run.plan.target.url = "sim:h100-8b?ttft=+30%".to_owned();
        run.fingerprint.model = "it's $(odd)".to_owned();
        insta::assert_snapshot!(line(&run), @r"llm-loadtest gate --workload chat --server 'sim:h100-8b?ttft=+30%' --model 'it'\''s $(odd)' --api chat --concurrency 32 --num-prompts 100 --input-len 512 --output-len 64:128 --goodput ttft:500 --rounds 2 --tolerance e2e_p99.9:10%,ttft_p95:15% --objective 'ttft_p99 <= 800' --max-error-rate 5% --seed 18446744073709551615");
    }

    #[test]
    fn every_shape_of_load_is_repeated_by_its_line() {
        let resolve = |flags: &[(&str, String)]| {
            let server = ("server", "sim:fast".to_owned());
            let flags = flags.iter().chain([&server]).map(|(name, text)| {
                let setting = SETTINGS.iter().find(|setting| setting.key == *name).unwrap();
                Entry::new(setting.key, text.as_str(), Origin::Flag((*name).to_owned()))
            });
            let layers = Layers {
                purpose: Purpose::Run,
                flags: flags.collect(),
                environment: BTreeMap::new(),
                env_file: None,
                files: Vec::new(),
            };
            config::resolve(layers).unwrap().plan
        };
        for given in [
            "concurrency=1,8 ramp-up=90s",
            "rate=0.5,8 arrivals=constant max-concurrency=9 num-prompts=50",
            "rate=8 burstiness=0.25 ramp-up=1.5s ramp-up-from=2 duration=9s",
            "stages=2@30s,2..20@1m,0@5s burstiness=2",
            "stages=2@30s num-prompts=9",
            "trace=t.csv time-scale=1,3x trace-from=5s trace-until=2m trace-unit=us trace-block=16",
            "trace=t.csv duration=5m output-len=7",
            "input-len=normal:512,64 output-len=lognormal:30.5,20,1,99",
            "input-len=file:a-b.csv#n output-len=auto",
            "input-len=100 length-spread=0.25",
            "prefix-len=100 prefix-groups=4 cache=warm turns=2:5 think-time=exp:2s",
            "dataset=a.jsonl dataset-format=custom prompt-column=q output-column=n cache=cold turns=all",
            "dataset=sonnet",
            "dataset=sonnet prefix-len=0 input-len=20",
            "cancel-rate=7% cancel-after=3tokens models=b=2,a=1 distinct-prompts=9",
            "cache=warm warmup=20",
        ] {
            let flags: Vec<(&str, String)> = given
                .split(' ')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, text)| (name, text.to_owned()))
                .collect();
            let plan = resolve(&flags);
            let document = sample::build(&plan, &[], None);
            let mut again = Vec::new();
            load(&document.plan, None, &mut |name, value| again.push((name.to_owned(), value)));
            let again: Vec<(&str, String)> =
                again.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            let repeated = resolve(&again);
            assert_eq!(repeated.levels, plan.levels, "{given} became {again:?}");
            assert_eq!(repeated.workload_hash(), plan.workload_hash(), "{given} became {again:?}");
        }
    }

    #[test]
    fn starts_are_repeated_without_the_values_of_their_variables() {
        let said = [
            ("server-image", "a:2"),
            ("server-args", "--model 'x y'"),
            ("server-env", "TOKEN=sk-secret"),
            ("server-volume", "/a:/b"),
            ("baseline-server-image", "a:1"),
        ];
        let flags = said.map(|(key, text)| Entry::new(key, text, Origin::Flag(key.to_owned())));
        let layers = Layers {
            purpose: Purpose::Gate,
            flags: flags.to_vec(),
            environment: BTreeMap::new(),
            env_file: None,
            files: Vec::new(),
        };
        let plan = config::resolve(layers).unwrap().plan;
        let run =
            RunDocument { verdict: sample::gate(Decision::Pass).verdict, ..sample::build(&plan, &[], None) };
        let text = line(&run);
        let (_, own) = text.split_once("--server ").unwrap();
        let (own, rest) = own.split_once(" --model").unwrap();
        insta::assert_snapshot!(own, @r"'http://{container}:8000' --server-image a:2 --server-args '--model '\''x y'\''' --server-env TOKEN --server-volume /a:/b --server-shm-size 17179869184 --server-timeout 900s");
        let (_, baseline) = rest.split_once("--baseline-server ").unwrap();
        insta::assert_snapshot!(baseline.split(" --tolerance").next().unwrap(), @r"'http://{container}:8000' --baseline-server-image a:1 --baseline-server-args '--model '\''x y'\''' --baseline-server-env TOKEN");
        assert!(!run.to_json().contains("sk-secret"));
    }
}
