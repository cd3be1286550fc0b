//! What an answer writes down is what it computed: each formula, worked out from its inputs alone.

use std::collections::BTreeMap;

use super::ask;
use crate::recommend::{Demand, Precision, recommend};

#[test]
fn formulas_give_their_values_from_their_inputs() {
    let mut checked = 0;
    for (model, precision) in [
        ("Qwen/Qwen2.5-VL-7B", Precision::Bf16),
        ("meta-llama/Llama-3.1-70B", Precision::Fp8),
        ("Qwen/Qwen2.5-14B", Precision::Int4),
        ("deepseek-ai/DeepSeek-V3", Precision::Fp8),
        ("openai/gpt-oss-20b", Precision::Mxfp4),
    ] {
        let mut ask = ask(model, "", 4.0);
        ask.precision = precision;
        ask.lengths.patches = if ask.model.vision.is_some() { 4_000.0 } else { 0.0 };
        for users in [false, true] {
            if users {
                ask.demand = Demand::Users { users: 50.0, think: 10.0 };
            }
            for option in recommend(&ask).options {
                for formula in &option.formulas {
                    let inputs: BTreeMap<&str, f64> =
                        formula.inputs.iter().map(|input| (input.name, input.value)).collect();
                    let Some(value) = worked_out(formula.name, &inputs) else { continue };
                    let off = (value / formula.value - 1.0).abs();
                    assert!(off < 1e-6 || (value - formula.value).abs() < 1e-9, "{formula:?}: {value}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 300, "{checked}");
}

/// As a reader would with a pocket calculator.
fn worked_out(name: &str, inputs: &BTreeMap<&str, f64>) -> Option<f64> {
    let at = |name: &str| inputs[name];
    let (mbu, mfu) = (|| at("BW") * at("MBU"), || at("MFU"));
    Some(match name {
        "weights per GPU" => (at("body") * at("w") + at("experts") * at("e") + at("rest") * 2.0) / at("g"),
        "KV cache per token and GPU" => {
            at("layers") * at("numbers per layer") * at("b") * at("share of heads")
        }
        "sequences that fit" => ((at("memory") - at("overhead") - at("weights")) / at("KV cache")).floor(),
        "reading a prompt, bound" | "a step of tokens, bound" => ((at("W") + at("K")) / at("BW"))
            .max(at("L") / at("P") + (at("H") + at("A") + at("I")) / at("P16"))
            .max(at("T")),
        "reading a prompt, expected" | "a step of tokens, expected" => {
            (at("W") / mbu()).max((at("L") / at("P") + at("H") / at("P16")) / mfu())
                + (at("K") / mbu()).max(at("Ad") / (at("P16") * mfu()))
                + (at("Ap") + at("I")) / (at("P16") * mfu())
                + at("T")
                + at("C")
        }
        "batch of a replica" => at("λ") * (at("output") - 1.0) * at("step"),
        "replicas" if inputs.contains_key("λ") => {
            (at("λ") / (at("capacity") * (1.0 - at("headroom")))).ceil().max(1.0)
        }
        "cost of a million output tokens" => {
            at("price per hour") / 3600.0 / at("output tokens per second") * 1e6
        }
        "energy of a million output tokens, upper bound" => {
            at("GPUs") * at("rated power") / at("output tokens per second") * 1e6 / 3.6e6
        }
        _ => return None,
    })
}
