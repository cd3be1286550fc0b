//! Shapes of load: who paces, what belongs to whom, and which part is this machine's.

use super::support::{file, layers, origin_of, plan, variables, with_server, words, wrong};
use crate::base::Nanos;
use crate::config::{StartAt, resolve};
use crate::workload::{Arrivals, Dataset, Level, Limit, Load, Pace, Shard, TimeUnit};

fn labels(flags: &[(&'static str, &str)]) -> Vec<String> {
    plan(flags).levels.iter().map(Level::label).collect()
}

fn cap(flags: &[(&'static str, &str)]) -> Option<u32> {
    match plan(flags).levels[0].pace(Shard::WHOLE) {
        Pace::Open { max_in_flight } => max_in_flight,
        pace @ Pace::Closed { .. } => panic!("{pace:?}"),
    }
}

#[test]
fn burstiness_means_gamma() {
    let law = |flags: &[(&'static str, &str)]| {
        let flags = [&[("rate", "8")], flags].concat();
        let Load::Open { arrivals, .. } = plan(&flags).levels[0].load else { panic!("not open") };
        arrivals
    };
    assert_eq!(law(&[]), Arrivals::Poisson);
    assert_eq!(law(&[("burstiness", "0.5")]), Arrivals::Gamma { shape: 0.5 });
    assert_eq!(law(&[("burstiness", "1")]), Arrivals::Poisson, "the same law has the same name");
    assert_eq!(law(&[("burstiness", "2"), ("arrivals", "gamma")]), Arrivals::Gamma { shape: 2.0 });
    assert_eq!(labels(&[("rate", "8"), ("burstiness", "0.5")]), ["rate=8 gamma(0.5)"]);
    let mut layers = with_server(&[("burstiness", "0.5")]);
    layers.files = file("workloads:\n  - {name: a, rate: 3, arrivals: constant}\n");
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "arrivals"), "gamma from flag --burstiness");
    layers.flags[0].key = "arrivals";
    layers.flags[0].text = "poisson".to_owned();
    layers.files = file("workloads:\n  - {name: a, rate: 3, burstiness: 4}\n");
    assert_eq!(resolve(layers).unwrap().plan.levels[0].label(), "rate=3");
}

#[test]
fn ramps_rise_to_a_rate_or_start_clients_one_by_one() {
    assert_eq!(labels(&[("rate", "4,8"), ("ramp-up", "30s")]), ["rate=4 ramp(30s)", "rate=8 ramp(30s)"]);
    let from = [("rate", "8"), ("ramp-up", "1m"), ("ramp-up-from", "2")];
    assert_eq!(labels(&from), ["rate=8 ramp(from 2, 60s)"]);
    let closed = plan(&[("concurrency", "4"), ("ramp-up", "8")]);
    assert_eq!(closed.levels[0].label(), "c=4 ramp(8s)");
    let Pace::Closed { clients: 4, starts } = closed.levels[0].pace(Shard::WHOLE) else {
        panic!("{closed:?}")
    };
    assert_eq!(starts.at(1), Nanos::from_secs(2.0));
}

#[test]
fn stages_are_one_level_that_ends_by_itself() {
    let stages = ("stages", "2@30s, 2..20@60, 50@500ms, 0@1m");
    let plan = plan(&[stages]);
    assert_eq!(plan.levels[0].label(), "stages 2@30s,2..20@60s,50@0.5s,0@60s");
    assert_eq!(
        (plan.levels[0].limit, plan.levels[0].deadline()),
        (Limit::Load, Some(Nanos::from_secs(150.5)))
    );
    assert_eq!(cap(&[stages, ("max-concurrency", "9")]), Some(9));
    let limit = |flag| super::support::plan(&[stages, flag]).levels[0].limit;
    assert_eq!(limit(("num-prompts", "7")), Limit::Requests(7));
    assert_eq!(limit(("duration", "9s")), Limit::Duration(Nanos::from_secs(9.0)));
    let mut layers = with_server(&[]);
    layers.files = file("workloads:\n  - name: a\n    stages: ['1@5s', '1..3@5s']\n    arrivals: constant\n");
    assert_eq!(resolve(layers).unwrap().plan.levels[0].label(), "stages 1@5s,1..3@5s");
}

#[test]
fn a_trace_paces_the_load_and_brings_its_prompts() {
    let plan = plan(&[
        ("trace", "a.csv"),
        ("time-scale", "1,2x,x4"),
        ("trace-unit", "ms"),
        ("trace-from", "0"),
        ("trace-until", "9m"),
    ]);
    let labels: Vec<String> = plan.levels.iter().map(Level::label).collect();
    assert_eq!(labels, ["replay", "replay x2", "replay x4"]);
    assert_eq!(plan.levels[0].limit, Limit::Load);
    let workload = &plan.parts[0].workload;
    let Dataset::Trace(file) = &workload.dataset else { panic!("{workload:?}") };
    assert_eq!((file.unit, file.block), (Some(TimeUnit::Millis), 512));
    assert_eq!(workload.output, None);
    assert_eq!(cap(&[("trace", "a.csv"), ("max-in-flight", "3")]), Some(3));
}

#[test]
fn max_concurrency_caps_arrivals_and_counts_clients() {
    assert_eq!(labels(&[("max-concurrency", "4,8")]), ["c=4", "c=8"]);
    assert_eq!(cap(&[("rate", "10"), ("max-concurrency", "32")]), Some(32));
    let mut layers = with_server(&[("max-concurrency", "5")]);
    layers.files = file("workloads:\n  - {name: a, concurrency: 9}\n");
    let resolved = resolve(layers.clone()).unwrap();
    assert_eq!(origin_of(&resolved, "concurrency"), "5 from flag --max-concurrency");
    layers.files = file("workloads:\n  - {name: a, rate: 9, max_in_flight: 2}\n");
    let resolved = resolve(layers).unwrap();
    assert_eq!(origin_of(&resolved, "max-in-flight"), "5 from flag --max-concurrency");
    assert_eq!(resolved.plan.levels[0].label(), "rate=9");
}

#[test]
fn a_shard_is_said_or_comes_from_an_orchestrator() {
    let shard = |flags: &[(&'static str, &str)], environment: &[(&str, &str)]| {
        let mut layers = with_server(&[flags, &[("concurrency", "64")]].concat());
        layers.environment = variables(environment);
        let resolved = resolve(layers).unwrap();
        let from = resolved.values.iter().find(|entry| entry.key == "shard");
        (resolved.plan.shard.to_string(), from.map(|entry| entry.origin.to_string()).unwrap_or_default())
    };
    let said = |shard: &str, origin: &str| (shard.to_owned(), origin.to_owned());
    let job = [("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "4")];
    let step = [("SLURM_PROCID", "1"), ("SLURM_NTASKS", "8"), ("SLURM_STEP_ID", "0")];
    assert_eq!(shard(&[], &[]), said("0/1", ""));
    assert_eq!(shard(&[("shard", "2/5")], &job), said("2/5", "flag --shard"));
    assert_eq!(shard(&[], &job), said("3/4", "environment JOB_COMPLETION_INDEX"));
    assert_eq!(shard(&[], &step), said("1/8", "environment SLURM_PROCID"));
    assert_eq!(shard(&[], &step[..2]), said("0/1", ""), "a batch script is no step");
    assert_eq!(shard(&[], &[("JOB_COMPLETION_INDEX", "0")]), said("0/1", ""), "how many is not said");
    assert_eq!(shard(&[], &[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "1")]), said("0/1", ""));
    assert_eq!(shard(&[], &[("LLM_LOADTEST_SHARD", "1/2"), job[0], job[1]]).0, "1/2");
}

#[test]
fn starts_are_times_that_machines_can_share() {
    let start = |text: &str| plan(&[("start-at", text)]).start_at.unwrap();
    let noon = StartAt::Epoch(Nanos(1_769_860_800_000_000_000));
    assert_eq!(start("2026-01-31T12:00:00Z"), noon);
    assert_eq!(start("2026-01-31T13:00:00+01:00"), noon);
    assert_eq!(start("1769860800"), noon);
    assert_eq!(start("+1.5m"), StartAt::After(Nanos::from_secs(90.0)));
    assert_eq!(plan(&[]).start_at, None);
}

#[test]
fn the_fingerprint_knows_the_shape_and_not_the_shard() {
    let base = [("rate", "8"), ("num-prompts", "99")];
    let hash = |more: &[(&'static str, &str)]| plan(&[&base, more].concat()).workload_hash();
    // Stored baselines of older versions carry this value.
    insta::assert_snapshot!(hash(&[]), @"bdbfc036a72b");
    assert_eq!(hash(&[("shard", "1/2")]), hash(&[]));
    assert_eq!(hash(&[("start-at", "+9s")]), hash(&[]));
    assert_eq!(hash(&[("max-concurrency", "7")]), hash(&[("max-in-flight", "7")]));
    let trace =
        |more: &[(&'static str, &str)]| plan(&[&[("trace", "a/t.csv")], more].concat()).workload_hash();
    let mut hashes = vec![
        hash(&[]),
        hash(&[("burstiness", "2")]),
        hash(&[("burstiness", "0.5")]),
        hash(&[("ramp-up", "9s")]),
        hash(&[("ramp-up", "9s"), ("ramp-up-from", "1")]),
        plan(&[("concurrency", "8")]).workload_hash(),
        plan(&[("concurrency", "8"), ("ramp-up", "9s")]).workload_hash(),
        plan(&[("stages", "8@9s")]).workload_hash(),
        plan(&[("stages", "8..9@9s")]).workload_hash(),
        trace(&[]),
        trace(&[("time-scale", "2x")]),
        trace(&[("trace-from", "2s")]),
        trace(&[("trace-until", "2s")]),
        trace(&[("trace-unit", "s")]),
        trace(&[("trace-block", "16")]),
    ];
    let all = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), all);
    assert_eq!(plan(&[("trace", "b/t.csv")]).workload_hash(), trace(&[]), "folders differ between machines");
}

#[test]
fn what_does_not_go_together_says_why() {
    let all = |cases: &[&[(&'static str, &str)]]| {
        cases.iter().map(|case| words(with_server(case))).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(all(&[
        &[("rate", "4"), ("stages", "4@3s")],
        &[("trace", "t.csv"), ("concurrency", "4")],
        &[("rate", "4"), ("max-concurrency", "4"), ("max-in-flight", "4")],
        &[("concurrency", "4"), ("max-concurrency", "4")],
        &[("burstiness", "2")],
        &[("rate", "4"), ("burstiness", "2"), ("arrivals", "constant")],
        &[("rate", "4"), ("burstiness", "0")],
        &[("trace", "t.csv"), ("burstiness", "2")],
        &[("stages", "4@3s"), ("ramp-up", "2s")],
        &[("rate", "4"), ("ramp-up-from", "2")],
        &[("concurrency", "4"), ("ramp-up", "2s"), ("ramp-up-from", "2")],
        &[("rate", "4"), ("time-scale", "2x")],
        &[("trace", "t.csv"), ("dataset", "p.jsonl")],
        &[("trace", "t.csv"), ("input-len", "9")],
        &[("trace", "t.csv"), ("time-scale", "1,1x")],
        &[("trace", "t.csv"), ("trace-from", "5s"), ("trace-until", "5s")],
    ]), @r"
    --stages 4@3s: rate is given as well, and a load is paced by one of them
    hint: keep --rate or --stages
    --trace t.csv: concurrency is given as well, and a load is paced by one of them
    hint: keep --trace for arrivals by the clock (--max-in-flight caps them), or --concurrency for a fixed number of clients
    --max-concurrency 4: max-in-flight is given as well, and here both mean the same
    hint: keep one of them
    --max-concurrency 4: concurrency is given as well, and here both mean the same
    hint: keep one of them
    --burstiness 2: this belongs to a load that arrives by the clock
    hint: add --rate, for example --rate 4, or remove it
    --burstiness 2: this is the shape of gamma arrivals, and others are asked for
    hint: write --arrivals gamma, or remove one of them
    --burstiness 0: out of range
    hint: write a number from 0.01 to 10000
    --burstiness 2: a trace has its own arrivals
    hint: remove it, or use --rate instead of --trace
    --ramp-up 2s: stages have their own ramps
    hint: remove it, and write for example --stages '0..8@30s, 8@2m'
    --ramp-up-from 2: how long the rate rises is not said
    hint: add --ramp-up, for example --ramp-up 30s
    --ramp-up-from 2: this belongs to a load that arrives by the clock
    hint: add --rate, for example --rate 4, or remove it
    --time-scale 2x: this belongs to a recorded trace
    hint: add --trace FILE, or remove it
    --dataset p.jsonl: a trace brings its own prompts
    hint: remove it, or use --rate instead of --trace
    --input-len 9: the prompts of a trace have their own lengths
    hint: remove it, or use --rate instead of --trace
    --time-scale 1,1x: the level replay is there twice
    hint: name each level once; --rounds repeats them all
    --trace-until 5s: the part ends before it starts
    hint: write a time after --trace-from; both count from the trace's start
    ");
}

#[test]
fn values_that_cannot_be_read_say_what_to_write() {
    insta::assert_snapshot!([
        wrong("stages", "2"), wrong("stages", "2..x@3s"), wrong("stages", "2@soon"), wrong("stages", "-1@3s"),
        wrong("stages", ","), wrong("stages", "0@3s"), wrong("shard", "2"), wrong("shard", "4/4"), wrong("shard", "a/4"),
        wrong("shard", "0/0"), wrong("shard", "0/2"), wrong("start-at", "noon"), wrong("start-at", "30"),
        wrong("start-at", "2026-01-31T12:00:00"), wrong("start-at", "1960-01-31T12:00:00Z"),
    ].join("\n"), @r"
    --stages 2: no '@' in it
    hint: write RATE@TIME or FROM..TO@TIME, for example '2@30s, 2..20@60s, 50@5s'
    --stages 2..x@3s: not a number
    hint: write a number from 0 to 1000000
    --stages 2@soon: not a duration
    hint: write for example 500ms, 30s, 2m or 1h
    --stages -1@3s: out of range
    hint: write a number from 0 to 1000000
    --stages ,: no stage at all
    hint: write RATE@TIME or FROM..TO@TIME, for example '2@30s, 2..20@60s, 50@5s'
    --stages 0@3s: the stages ask for no request at all
    hint: write RATE@TIME or FROM..TO@TIME, for example '2@30s, 2..20@60s, 50@5s'
    --shard 2: no '/' in it
    hint: write INDEX/COUNT with the index from 0, for example 0/4 for the first of four
    --shard 4/4: there is no shard 4 of 4
    hint: shards count from 0: write 0/4 to 3/4
    --shard a/4: not a whole number
    hint: write INDEX/COUNT with the index from 0, for example 0/4 for the first of four
    --shard 0/0: out of range
    hint: write INDEX/COUNT with the index from 0, for example 0/4 for the first of four
    --shard 0/2: c=1 has fewer clients (1) than there are shards (2), and each shard needs its own
    hint: lower the number of shards to 1, or raise the level's clients
    --start-at noon: not a time with its zone
    hint: write 2026-01-31T12:00:00Z, seconds since 1970, or +30s
    --start-at 30: not seconds since 1970
    hint: write 2026-01-31T12:00:00Z, seconds since 1970, or +30s
    --start-at 2026-01-31T12:00:00: not a time with its zone
    hint: write 2026-01-31T12:00:00Z, seconds since 1970, or +30s
    --start-at 1960-01-31T12:00:00Z: a time before 1970
    hint: write 2026-01-31T12:00:00Z, seconds since 1970, or +30s
    ");
    let traced = |key, text| words(with_server(&[("trace", "t.csv"), (key, text)]));
    insta::assert_snapshot!([
        traced("time-scale", "fast"), traced("time-scale", "0"), traced("trace-unit", "minutes"), traced("trace-block", "0"),
    ].join("\n"), @r"
    --time-scale fast: not a number
    hint: write a factor on time such as 0.5, or a speed such as 2x, from 0.0001 to 10000
    --time-scale 0: out of range
    hint: write a factor on time such as 0.5, or a speed such as 2x, from 0.0001 to 10000
    --trace-unit minutes: not a unit of time
    hint: write s, ms, us or ns
    --trace-block 0: out of range
    hint: write a whole number from 1 to 1000000
    ");
    let mut alone = layers(&[("server", "http://h:1")]);
    alone.environment = variables(&[("JOB_COMPLETION_INDEX", "8"), ("JOB_COMPLETIONS", "8")]);
    insta::assert_snapshot!(words(alone), @r"
    JOB_COMPLETION_INDEX=8/8: JOB_COMPLETION_INDEX and JOB_COMPLETIONS name no shard
    hint: set JOB_COMPLETION_INDEX from 0 and JOB_COMPLETIONS above it; or write --shard 0/1 to send everything from here
    ");
}
