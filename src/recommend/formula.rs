//! The numbers of an option, each with its formula and what stood in it.

use super::option::Choice;
use super::{Ask, Demand, Efficiency, Point, Replica, Work};

/// One number with its derivation.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    pub name: &'static str,
    pub formula: &'static str,
    pub inputs: Vec<Input>,
    pub value: f64,
    pub unit: &'static str,
    pub source: &'static str,
}

/// What stands for a letter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
}

fn input(name: &'static str, value: f64, unit: &'static str) -> Input {
    Input { name, value, unit }
}

/// In the order in which they build on each other.
pub(super) fn of(
    ask: &Ask,
    replica: &Replica<'_>,
    efficiency: &Efficiency,
    choice: &Choice,
    point: &Point,
) -> Vec<Formula> {
    let mut all = memory(ask, replica, choice);
    all.extend(prefill(ask, replica, efficiency));
    all.extend(decode(ask, replica, efficiency, point));
    all.extend(load(ask, choice, point));
    all
}

fn memory(ask: &Ask, replica: &Replica<'_>, choice: &Choice) -> Vec<Formula> {
    let (model, memory) = (replica.model, &choice.memory);
    let gpus = f64::from(replica.gpus);
    vec![
        Formula {
            name: "weights per GPU",
            formula: "(body × w + experts × e + (embedding + output matrix + vision) × 2) / g",
            inputs: vec![
                input("body", model.body as f64, "parameters"),
                input("experts", (model.expert * model.experts) as f64, "parameters"),
                input("w", replica.precision.layer_bytes(), "bytes"),
                input("e", replica.precision.expert_bytes(), "bytes"),
                input("all parameters", model.parameters() as f64, "parameters"),
                input("g", gpus, "GPUs"),
            ],
            value: memory.weights,
            unit: "bytes",
            source: "counted from the model's configuration",
        },
        Formula {
            name: "KV cache per token and GPU",
            formula: "layers × numbers per layer × b × share of heads",
            inputs: vec![
                input("layers", model.layers as f64, "layers"),
                input("numbers per layer", model.kv_elements as f64, "numbers"),
                input("b", replica.kv.bytes(), "bytes"),
                input("share of heads", model.kv_share(replica.gpus), ""),
            ],
            value: memory.kv_per_token,
            unit: "bytes",
            source: "2 × KV heads × head dimension; of latent attention its compressed vector",
        },
        Formula {
            name: "sequences that fit",
            formula: "(memory − overhead − weights) / (KV cache of input + output / 2 tokens)",
            inputs: vec![
                input("memory", memory.total, "bytes"),
                input("overhead", memory.overhead, "bytes"),
                input("weights", memory.weights, "bytes"),
                input(
                    "KV cache",
                    model.kv_bytes(ask.lengths.held(), replica.kv) * model.kv_share(replica.gpus),
                    "bytes",
                ),
            ],
            value: memory.sequences.floor(),
            unit: "sequences",
            source: "vLLM's gpu_memory_utilization, and 2 GB for runtime, graphs and activations",
        },
    ]
}

fn prefill(ask: &Ask, replica: &Replica<'_>, efficiency: &Efficiency) -> Vec<Formula> {
    let lengths = ask.lengths;
    let work = Work {
        prefill: lengths.input,
        prefill_context: lengths.input / 2.0,
        patches: lengths.patches,
        ..Work::default()
    };
    let peak = replica.precision.peak(replica.gpu).unwrap_or(replica.gpu.bf16);
    let flops = replica.layer_flops(lengths.input);
    let inputs = |share: f64| {
        vec![
            input("layers' operations", flops, "operations per GPU"),
            input("attention's operations", replica.attention_flops(&work), "operations per GPU"),
            input("peak", peak, "operations/s"),
            input("peak in 16 bits", replica.gpu.bf16, "operations/s"),
            input("MFU", share, ""),
            input("links", replica.link_seconds(efficiency, lengths.input), "s"),
            input(
                "cost of step and layers",
                efficiency.step + efficiency.layer * replica.model.layers as f64,
                "s",
            ),
        ]
    };
    vec![
        Formula {
            name: "reading a prompt, bound",
            formula: "max((layers' operations / peak + attention's operations / peak in 16 bits), bytes / bandwidth)",
            inputs: inputs(1.0),
            value: replica.step(&Efficiency::ideal(), &work),
            unit: "s",
            source: "two operations per parameter and token (Kaplan et al. 2020)",
        },
        Formula {
            name: "reading a prompt, expected",
            formula: "(layers' operations / peak + attention's operations / peak in 16 bits) / MFU + links + cost of step and layers",
            inputs: inputs(efficiency.compute),
            value: replica.step(efficiency, &work),
            unit: "s",
            source: "docs/RECOMMEND.md",
        },
    ]
}

fn decode(ask: &Ask, replica: &Replica<'_>, efficiency: &Efficiency, point: &Point) -> Vec<Formula> {
    let batch = point.batch.max(1.0);
    let work = Work { decoding: batch, context: ask.lengths.held(), ..Work::default() };
    let inputs = |share: f64| {
        vec![
            input("weights", replica.weight_bytes_read(batch), "bytes per GPU"),
            input("KV cache", replica.kv_bytes_read(&work), "bytes per GPU"),
            input("bandwidth", replica.gpu.bandwidth, "bytes/s"),
            input("MBU", share, ""),
            input("operations", replica.layer_flops(batch), "operations per GPU"),
            input("links", replica.link_seconds(efficiency, batch), "s"),
            input(
                "cost of step and layers",
                efficiency.step + efficiency.layer * replica.model.layers as f64,
                "s",
            ),
            input("batch", batch, "sequences"),
        ]
    };
    vec![
        Formula {
            name: "a step of tokens, bound",
            formula: "max((weights + KV cache) / bandwidth, operations / peak)",
            inputs: inputs(1.0),
            value: replica.step(&Efficiency::ideal(), &work),
            unit: "s",
            source: "roofline (Williams, Waterman and Patterson 2009)",
        },
        Formula {
            name: "a step of tokens, expected",
            formula: "max(weights / (bandwidth × MBU), operations / (peak × MFU)) + KV cache / (bandwidth × MBU) + links + cost of step and layers",
            inputs: inputs(efficiency.memory),
            value: replica.step(efficiency, &work),
            unit: "s",
            source: "docs/RECOMMEND.md",
        },
    ]
}

fn load(ask: &Ask, choice: &Choice, point: &Point) -> Vec<Formula> {
    let output = ask.lengths.output;
    let replicas = choice.replicas.expected;
    let mut all = vec![Formula {
        name: "batch of a replica",
        formula: "λ × (output − 1) × step, where the step grows with the batch and the prompts read in it",
        inputs: vec![
            input("λ", point.rate, "requests/s"),
            input("output", output, "tokens"),
            input("step", point.step, "s"),
        ],
        value: point.batch,
        unit: "sequences",
        source: "Little (1961), solved as a balance",
    }];
    all.push(match ask.demand {
        Demand::Rate(rate) => Formula {
            name: "replicas",
            formula: "⌈λ / (capacity × (1 − headroom))⌉",
            inputs: vec![
                input("λ", rate, "requests/s"),
                input("capacity", choice.capacity.expected, "requests/s"),
                input("headroom", ask.headroom, ""),
            ],
            value: replicas,
            unit: "replicas",
            source: "capacity: the highest rate at which every limit holds",
        },
        Demand::Users { users, think } => Formula {
            name: "replicas",
            formula: "⌈N / (c × (R(c) + Z))⌉ with c = capacity × (1 − headroom) and R(c) the mean E2E there",
            inputs: vec![
                input("N", users, "users"),
                input("Z", think, "s"),
                input("capacity", choice.capacity.expected, "requests/s"),
                input("headroom", ask.headroom, ""),
            ],
            value: replicas,
            unit: "replicas",
            source: "interactive response time law (Denning and Buzen 1978)",
        },
    });
    all.push(Formula {
        name: "energy of a million output tokens, upper bound",
        formula: "GPUs × rated power / output tokens per second",
        inputs: vec![
            input("GPUs", f64::from(choice.gpus), "GPUs"),
            input("rated power", choice.gpu.power, "W"),
            input("output tokens per second", choice.output_rate(output), "tokens/s"),
        ],
        value: choice.kwh_per_million(output),
        unit: "kWh",
        source: choice.gpu.source,
    });
    if let (Some(usd), Some(value)) =
        (choice.usd_per_hour, choice.usd_per_million(choice.output_rate(output)))
    {
        all.push(Formula {
            name: "cost of a million output tokens",
            formula: "price per hour / 3600 / output tokens per second × 10⁶",
            inputs: vec![
                input("price per hour", usd, "USD/h"),
                input("output tokens per second", choice.output_rate(output), "tokens/s"),
            ],
            value,
            unit: "USD",
            source: "the price table",
        });
    }
    all
}
