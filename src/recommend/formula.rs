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
            formula: "(body × w + experts × e + rest × 2) / g",
            inputs: vec![
                input("body", model.body as f64, "parameters"),
                input("experts", (model.expert * model.experts) as f64, "parameters"),
                input("w", replica.precision.layer_bytes(), "bytes"),
                input("e", replica.precision.expert_bytes(), "bytes"),
                input(
                    "rest",
                    (model.parameters() - model.body - model.expert * model.experts) as f64,
                    "parameters of embeddings, output matrix and vision tower",
                ),
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

const LETTERS: &str = "L: operations of the layers' matrices, H: of the output matrix, A: of attention, I: on images; W: bytes of weights, K: of KV cache; P, P16: peaks; each per GPU";
const BOUND: &str = "max((W + K) / BW, L / P + (H + A + I) / P16, T)";
const EXPECTED: &str = "max(W / (BW × MBU), (L / P + H / P16) / MFU) + max(K / (BW × MBU), Ad / (P16 × MFU)) + (Ap + I) / (P16 × MFU) + T + C";

fn prefill(ask: &Ask, replica: &Replica<'_>, efficiency: &Efficiency) -> Vec<Formula> {
    let lengths = ask.lengths;
    let work = Work {
        prefill: lengths.input,
        prefill_context: lengths.input / 2.0,
        patches: lengths.patches,
        ..Work::default()
    };
    pair(["reading a prompt, bound", "reading a prompt, expected"], replica, efficiency, &work)
}

fn decode(ask: &Ask, replica: &Replica<'_>, efficiency: &Efficiency, point: &Point) -> Vec<Formula> {
    let work = Work { decoding: point.batch.max(1.0), context: ask.lengths.held(), ..Work::default() };
    pair(["a step of tokens, bound", "a step of tokens, expected"], replica, efficiency, &work)
}

/// The same work as physics bounds it, and as it is expected.
fn pair(
    [bound, expected]: [&'static str; 2],
    replica: &Replica<'_>,
    efficiency: &Efficiency,
    work: &Work,
) -> Vec<Formula> {
    vec![
        Formula {
            name: bound,
            formula: BOUND,
            inputs: inputs(replica, &Efficiency::ideal(), work),
            value: replica.step(&Efficiency::ideal(), work),
            unit: "s",
            source: "two operations per parameter and token (Kaplan et al. 2020); roofline (Williams, Waterman and Patterson 2009)",
        },
        Formula {
            name: expected,
            formula: EXPECTED,
            inputs: inputs(replica, efficiency, work),
            value: replica.step(efficiency, work),
            unit: "s",
            source: LETTERS,
        },
    ]
}

fn inputs(replica: &Replica<'_>, efficiency: &Efficiency, work: &Work) -> Vec<Input> {
    let tokens = work.decoding + work.prefill;
    let (reading, making) = (Work { decoding: 0.0, ..*work }, Work { prefill: 0.0, ..*work });
    let read = replica.weight_bytes_read(tokens);
    // Kernels that widen 4-bit weights read them as slowly as if they were larger.
    let weights = replica.weight_seconds(efficiency, tokens) * replica.gpu.bandwidth * efficiency.memory;
    vec![
        input("L", replica.layer_flops(tokens), "operations"),
        input("H", replica.head_flops(work.decoding.max(1.0)), "operations"),
        input("Ap", replica.attention_flops(&reading), "operations"),
        input("Ad", replica.attention_flops(&making), "operations"),
        input("A", replica.attention_flops(work), "operations"),
        input("I", replica.vision_flops(work.patches), "operations"),
        input("bytes of weights", read, "bytes"),
        input("W", weights, "bytes"),
        input("K", replica.kv_bytes_read(work), "bytes"),
        input("P", replica.precision.peak(replica.gpu).unwrap_or(replica.gpu.bf16), "operations/s"),
        input("P16", replica.gpu.bf16, "operations/s"),
        input("BW", replica.gpu.bandwidth, "bytes/s"),
        input("MBU", efficiency.memory, ""),
        input("MFU", efficiency.compute, ""),
        input("T", replica.link_seconds(efficiency, tokens), "s over links"),
        input("C", efficiency.step + efficiency.layer * replica.model.layers as f64, "s of step and layers"),
        input("tokens", tokens, "tokens"),
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
