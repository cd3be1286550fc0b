//! What was seen of the hardware, as a stranger reads it, and over several parts of a level.

#![expect(dead_code, reason = "the declaration itself is the test")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::document::v1::pool_observed::{Parts, observed};
use crate::document::v1::{
    GpuWindowDocument, LevelDocument, analysis_schema, gpus_schema, info_schema, sample,
};
use crate::metrics::Summary;
use crate::record::{Course, Energy, EnergySource, GpuWindow, Observed};

fn course(mean: f64) -> Course {
    Course { mean, min: mean / 2.0, max: mean * 1.25 }
}

/// A card that tells everything.
fn card(uuid: &str, watts: f64) -> GpuWindow {
    let spent =
        |seconds: f64| Some(Energy { joules: watts * seconds, seconds, source: EnergySource::Counter });
    GpuWindow {
        index: 1,
        uuid: Some(uuid.to_owned()),
        name: "NVIDIA H100".to_owned(),
        samples: 125,
        seconds: 12.5,
        utilization: Some(course(0.8)),
        memory_utilization: Some(course(0.4)),
        memory_used: Some(course(60e9)),
        memory_total: Some(80_000_000_000),
        power: Some(course(watts)),
        power_limit: Some(700.0),
        power_limit_default: Some(700.0),
        energy: spent(12.5),
        warmup_energy: spent(1.0),
        steady_energy: spent(10.0),
        temperature: Some(course(60.0)),
        sm_clock: Some(course(1_900.0)),
        memory_clock: Some(course(2_600.0)),
        throttled: Some(BTreeMap::from([("sw_power_cap".to_owned(), 0.2)])),
        ecc_errors: Some(1),
        xids: vec![31],
        processes: Some(1),
        mig: Some(false),
        lost: false,
    }
}

fn level(gpus: Vec<GpuWindow>) -> LevelDocument {
    let observed =
        Observed { gpus, notes: vec!["GPU 0 could not be read".to_owned()], ..Observed::default() };
    let summary: Summary = sample::summary(0.0).with_observed(observed);
    LevelDocument::new("c=32", &summary, &[])
}

#[test]
fn an_independent_reader_understands_every_field() {
    let level = level(vec![card("GPU-1", 500.0)]);
    let value = serde_json::to_value(&level).unwrap();
    let seen: Seen = serde_json::from_value(value["observed"].clone()).unwrap();
    let gpu = &seen.gpus[0];
    assert_eq!((gpu.name.as_str(), gpu.samples, gpu.lost), ("NVIDIA H100", 125, false));
    assert_eq!((gpu.energy.joules, gpu.energy.source.as_str()), (6_250.0, "counter"));
    // 500 W over 745 tokens/s.
    assert_eq!(value["values"]["energy_per_token"], json!(0.671_141));
    assert_eq!(value["values"]["gpu_util"], json!(0.8));
    let back: LevelDocument = serde_json::from_value(value).unwrap();
    assert_eq!(back, level);
    let bare = serde_json::to_value(LevelDocument::new("c=32", &sample::summary(0.0), &[])).unwrap();
    assert!(bare.get("observed").is_none());
}

#[test]
fn rounds_add_up_and_shards_saw_the_same() {
    let one = level(vec![card("GPU-1", 500.0), card("GPU-2", 300.0)]);
    let other = level(vec![GpuWindow { processes: Some(2), lost: true, ..card("GPU-1", 400.0) }]);
    let pooled = |parts| {
        let seen = observed(&[&one, &other], parts).unwrap();
        assert_eq!((seen.gpus.len(), seen.notes.len()), (2, 1));
        assert_eq!(seen.gpus[1], one.observed.as_ref().unwrap().gpus[1]);
        seen.gpus.into_iter().next().unwrap()
    };
    let told = |gpu: &GpuWindowDocument| {
        let energy = gpu.energy.clone().unwrap();
        let power = gpu.power_w.unwrap();
        json!([gpu.seconds, energy.joules, energy.seconds, power.mean, power.max, gpu.ecc_errors, gpu.xids])
    };
    let rounds = pooled(Parts::InTurn);
    assert_eq!(told(&rounds), json!([25.0, 11_250.0, 25.0, 450.0, 625.0, 2, [31, 31]]));
    assert_eq!((rounds.processes, rounds.lost, rounds.samples), (Some(2), true, 250));
    assert_eq!(rounds.throttled, Some(BTreeMap::from([("sw_power_cap".to_owned(), 0.2)])));
    let shards = pooled(Parts::Together);
    assert_eq!(
        told(&shards),
        json!([12.5, shards.energy.clone().unwrap().joules, 12.5, 450.0, 625.0, 1, [31]])
    );
    let nothing = LevelDocument::new("c=32", &sample::summary(0.0), &[]);
    assert_eq!(observed(&[&nothing, &nothing], Parts::InTurn), None);
}

#[test]
fn a_round_without_energy_leaves_none_to_the_sum() {
    let one = level(vec![card("GPU-1", 500.0)]);
    let other = level(vec![GpuWindow { energy: None, ..card("GPU-1", 500.0) }]);
    let power = level(vec![GpuWindow {
        energy: Some(Energy { joules: 100.0, seconds: 12.5, source: EnergySource::Power }),
        ..card("GPU-1", 500.0)
    }]);
    let energy = |levels: &[&LevelDocument]| {
        observed(levels, Parts::InTurn).unwrap().gpus.into_iter().next().unwrap().energy
    };
    assert_eq!(energy(&[&one, &other]), None);
    assert_eq!(energy(&[&one, &power]).unwrap().source, "mixed");
}

#[test]
fn the_committed_schemas_of_what_is_printed_are_current() {
    let committed = [
        ("gpus", gpus_schema(), include_str!("../../../../schemas/gpus.schema.json")),
        ("analysis", analysis_schema(), include_str!("../../../../schemas/analysis.schema.json")),
        ("info", info_schema(), include_str!("../../../../schemas/info.schema.json")),
    ];
    for (name, generated, committed) in committed {
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
            crate::host::files::write_atomic(std::path::Path::new(&path), generated.as_bytes()).unwrap();
            continue;
        }
        assert!(
            committed == generated,
            "a type changed: run the tests once with UPDATE_SCHEMAS=1, then again"
        );
        let schema: Value = serde_json::from_str(committed).unwrap();
        assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&json!({"surprise": true})));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    gpus: Vec<Gpu>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gpu {
    index: u32,
    uuid: String,
    name: String,
    samples: u64,
    seconds: f64,
    utilization: Span,
    memory_utilization: Span,
    memory_used_bytes: Span,
    memory_total_bytes: u64,
    power_w: Span,
    power_limit_w: f64,
    power_limit_default_w: f64,
    energy: Spent,
    warmup_energy: Spent,
    steady_energy: Spent,
    temperature_c: Span,
    sm_clock_mhz: Span,
    memory_clock_mhz: Span,
    throttled: BTreeMap<String, f64>,
    ecc_errors: u64,
    xids: Vec<u64>,
    processes: u64,
    mig: bool,
    lost: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    mean: f64,
    min: f64,
    max: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    joules: f64,
    seconds: f64,
    source: String,
}
