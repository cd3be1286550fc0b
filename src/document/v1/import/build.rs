//! From what the files tell to one result document, which says at every turn that we did not measure it.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Entry, Note, unsaid};
use super::{ImportOptions, Reading, Source};
use crate::config::fingerprint;
use crate::document::v1::format::DEFINITIONS;
use crate::document::v1::number::six;
use crate::document::v1::run::overall;
use crate::document::v1::{
    EnvironmentDocument, FindingDocument, Format, GateDocument, ImportedDocument, Key, Kind, LevelDocument,
    LoadDocument, MannerDocument, MetricDocument, PlanDocument, RoundDocument, RunDocument, SamplingDocument,
    TargetDocument, TimeoutsDocument, TokensDocument, WindowDocument, WorkloadDocument, histogram,
};

const UNKNOWN: &str = "unknown";

pub(super) fn document(
    source: Source,
    entries: Vec<Entry>,
    options: &ImportOptions,
    reading: Reading<'_>,
    files: &[String],
) -> RunDocument {
    let imported = imported(source, &entries, files);
    let findings = findings(&entries);
    let plan = plan(source, &entries, options);
    let environment = environment(&entries, options, reading.tool);
    let rounds = rounds(entries);
    let mut document = RunDocument {
        format: Format::current(Kind::Run),
        definitions: format!("{DEFINITIONS}/{}", source.id()),
        tool: reading.tool.to_owned(),
        created: reading.created.to_owned(),
        clock_origin: None,
        partial: false,
        name: options.workload.clone().unwrap_or_else(|| source.id().to_owned()),
        fingerprint: Key {
            workload: options.workload.clone().unwrap_or_else(|| source.id().to_owned()),
            model: environment.model.clone(),
            hardware: environment.hardware.clone(),
            workload_hash: plan.workload_hash.clone(),
        },
        plan,
        environment,
        imported: Some(imported),
        levels: overall(&rounds),
        rounds,
        pairs: None,
        carried: 0,
        findings,
        verdict: None,
        search: None,
    };
    document.plan.gate.rounds = u32::try_from(document.rounds.len()).unwrap_or(u32::MAX);
    document.plan.gate.tolerances = tolerances(&document.levels);
    document
}

fn imported(source: Source, entries: &[Entry], files: &[String]) -> ImportedDocument {
    let first = |pick: fn(&Entry) -> Option<&String>| entries.iter().find_map(pick).cloned();
    let unsaid: BTreeSet<&str> = entries.iter().flat_map(unsaid).collect();
    ImportedDocument {
        source: source.id().to_owned(),
        version: first(|entry| entry.about.version.as_ref()),
        measured: first(|entry| entry.about.measured.as_ref()),
        files: files.to_vec(),
        unsaid: unsaid.into_iter().map(str::to_owned).collect(),
    }
}

/// One finding for what is true of every entry, one per level for the rest.
fn findings(entries: &[Entry]) -> Vec<FindingDocument> {
    let mut places: BTreeMap<&Note, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries {
        for note in &entry.notes {
            places.entry(note).or_default().insert(&entry.load.label);
        }
    }
    let all: BTreeSet<&str> = entries.iter().map(|entry| entry.load.label.as_str()).collect();
    let mut found = Vec::new();
    for (note, labels) in places {
        let (severity, code, message) = match note {
            Note::Warning(text) => ("warning", "import_differs", text.clone()),
            Note::LeftOut { name, why } => ("info", "import_left_out", format!("left out: {name}: {why}")),
            Note::Taken(text) => ("info", "import_taken", text.clone()),
        };
        let finding = |level: Option<&str>| FindingDocument {
            severity: severity.to_owned(),
            code: code.to_owned(),
            message: message.clone(),
            hint: None,
            level: level.map(str::to_owned),
            round: None,
        };
        if labels == all {
            found.push(finding(None));
        } else {
            found.extend(labels.into_iter().map(|label| finding(Some(label))));
        }
    }
    found
}

fn rounds(entries: Vec<Entry>) -> Vec<RoundDocument> {
    let mut rounds: Vec<RoundDocument> = Vec::new();
    for entry in entries {
        let label = &entry.load.label;
        let free = rounds.iter().position(|round| round.levels.iter().all(|level| level.label != *label));
        let seed = entry.about.seed.unwrap_or_default();
        let level = level(entry);
        if let Some(round) = free.and_then(|at| rounds.get_mut(at)) {
            round.levels.push(level);
        } else {
            let round = u32::try_from(rounds.len() + 1).unwrap_or(u32::MAX);
            rounds.push(RoundDocument { round, seed, levels: vec![level] });
        }
    }
    rounds
}

fn level(entry: Entry) -> LevelDocument {
    let Entry {
        load,
        about: _,
        facts: _,
        duration_s,
        offered,
        succeeded,
        failures,
        samples,
        told,
        values,
        concurrency,
        tokens,
        notes: _,
    } = entry;
    let duration = six(duration_s.unwrap_or(0.0));
    let mut metrics: BTreeMap<String, MetricDocument> =
        told.into_iter().map(|(metric, told)| (metric.id().to_owned(), told)).collect();
    metrics.extend(
        samples
            .iter()
            .map(|(metric, samples)| (metric.id().to_owned(), MetricDocument::new(*metric, samples, &[]))),
    );
    LevelDocument {
        label: load.label,
        window: WindowDocument { start_s: 0.0, end_s: duration, measured_s: duration },
        offered: offered.unwrap_or(succeeded),
        succeeded,
        failures: failures.into_iter().map(|(class, count)| (class.to_owned(), count)).collect(),
        values: values.into_iter().map(|(metric, value)| (metric.id().to_owned(), value)).collect(),
        steady: None,
        concurrency,
        goodput: None,
        tokens: TokensDocument {
            prompt_asked: tokens.prompt.unwrap_or(0),
            prompt: tokens.prompt.unwrap_or(0),
            cached: tokens.cached.unwrap_or(0),
            output_asked: tokens.output.unwrap_or(0),
            output: tokens.output.unwrap_or(0),
            chunks: tokens.chunks.unwrap_or(0),
            source: UNKNOWN.to_owned(),
            itl_is_icl: !metrics.contains_key("itl") && metrics.contains_key("icl"),
        },
        metrics,
        reconnects: 0,
        histograms: samples
            .iter()
            .map(|(metric, samples)| (metric.id().to_owned(), histogram::encode(&samples.histogram())))
            .collect(),
        series: None,
        points: Vec::new(),
        observed: None,
        parts: Vec::new(),
    }
}

fn plan(source: Source, entries: &[Entry], options: &ImportOptions) -> PlanDocument {
    let first = |pick: fn(&Entry) -> Option<&String>| entries.iter().find_map(pick).cloned();
    let mut levels: Vec<LoadDocument> = Vec::new();
    for entry in entries {
        if levels.iter().all(|level| level.label != entry.load.label) {
            levels.push(entry.load.clone());
        }
    }
    PlanDocument {
        adapter: None,
        target: TargetDocument {
            name: source.id().to_owned(),
            url: first(|entry| entry.about.url.as_ref()).unwrap_or_else(|| UNKNOWN.to_owned()),
            more_urls: Vec::new(),
            launch: None,
            url_strategy: None,
            api_key_env: None,
            header_names: Vec::new(),
            insecure: false,
            cacert: None,
            hardware: options.hardware.clone(),
        },
        model: options.model.clone().or(first(|entry| entry.about.model.as_ref())),
        workload: WorkloadDocument {
            api: entries.iter().find_map(|entry| entry.about.api).unwrap_or(UNKNOWN).to_owned(),
            stream: entries.iter().any(|entry| entry.about.stream != Some(false)),
            input_tokens: first(|entry| entry.about.input_tokens.as_ref())
                .unwrap_or_else(|| UNKNOWN.to_owned()),
            output_tokens: first(|entry| entry.about.output_tokens.as_ref()),
            dataset: first(|entry| entry.about.dataset.as_ref()).unwrap_or_else(|| UNKNOWN.to_owned()),
            ignore_eos: false,
            slos: Vec::new(),
            warmup_requests: None,
            sampling: SamplingDocument { temperature: None, extra_body: None },
            tokenizer: first(|entry| entry.about.tokenizer.as_ref()),
            cache: UNKNOWN.to_owned(),
            manner: MannerDocument::default(),
            parts: Vec::new(),
            levels,
        },
        seed: entries.iter().find_map(|entry| entry.about.seed).unwrap_or_default(),
        shard: None,
        timeouts_ms: TimeoutsDocument { connect: 0.0, first_token: 0.0, stall: 0.0, total: 0.0 },
        gate: GateDocument {
            rounds: 1,
            looks: Vec::new(),
            robust: false,
            budget_s: None,
            tolerances: BTreeMap::new(),
            objectives: Vec::new(),
            alpha: 0.05,
            assumed_noise: 0.03,
            max_error_rate: None,
            require_baseline: false,
            strict: false,
        },
        baseline_server: None,
        workload_hash: hash(source, entries),
    }
}

/// What makes two imports the same load: the tool, its settings, and the loads, whatever their order.
fn hash(source: Source, entries: &[Entry]) -> String {
    let loads: BTreeSet<String> = entries
        .iter()
        .map(|entry| {
            // Other tools' ramps, stages and traces are no part of what is imported.
            let LoadDocument {
                label, concurrency, rate, arrivals, max_in_flight, requests, duration_s, ..
            } = &entry.load;
            format!(
                "{label} {concurrency:?} {rate:?} {arrivals:?} {max_in_flight:?} {requests:?} {duration_s:?}"
            )
        })
        .collect();
    let facts = entries.iter().flat_map(|entry| &entry.facts).map(|(name, value)| format!("{name} {value}"));
    let facts: BTreeSet<String> = facts.chain(loads).collect();
    let text = facts.into_iter().fold(source.id().to_owned(), |text, fact| format!("{text}\n{fact}"));
    fingerprint(&text)
}

fn environment(entries: &[Entry], options: &ImportOptions, tool: &str) -> EnvironmentDocument {
    let model = entries.iter().find_map(|entry| entry.about.model.clone());
    EnvironmentDocument {
        tool: tool.to_owned(),
        os: UNKNOWN.to_owned(),
        cpu: UNKNOWN.to_owned(),
        cpu_cores: 0,
        memory_bytes: 0,
        container: false,
        gpus: Vec::new(),
        gpu_driver: None,
        hardware: options.hardware.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        server: None,
        image: None,
        network_path: UNKNOWN.to_owned(),
        model: options.model.clone().or(model).unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

/// The tolerances of a gate, for the statistics that every level has: the median stands in where a file has no p95.
fn tolerances(levels: &[LevelDocument]) -> BTreeMap<String, f64> {
    let every = |has: &dyn Fn(&LevelDocument) -> bool| !levels.is_empty() && levels.iter().all(has);
    let mut tolerances = BTreeMap::new();
    for (metric, tolerance) in [("ttft", 0.15), ("tpot", 0.07), ("e2e", 0.10)] {
        let has = |pick: fn(&MetricDocument) -> Option<f64>| {
            every(&|level| level.metrics.get(metric).and_then(pick).is_some())
        };
        if has(|metric| metric.p95) {
            tolerances.insert(format!("{metric}_p95"), tolerance);
        } else if has(|metric| metric.p50) {
            tolerances.insert(format!("{metric}_p50"), tolerance);
        }
    }
    if every(&|level| level.values.contains_key("output_throughput")) {
        tolerances.insert("output_throughput".to_owned(), 0.07);
    }
    tolerances
}
