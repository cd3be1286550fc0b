//! Parameters, KV cache and tokens of images against what is published.

use crate::recommend::{
    KvPrecision, Model, Numbers, Precision, RecommendError, Tokens, known_names, named, read_config,
};

#[test]
fn every_built_in_model_has_its_published_count_of_parameters() {
    let names = known_names();
    assert!(names.len() > 50, "{} models", names.len());
    for (name, published) in names {
        let counted = named(&name).unwrap_or_else(|error| panic!("{name}: {error}")).parameters();
        // Totals of files are exact; those of cards are rounded.
        let rounded = published % 10_000_000 == 0;
        let off = (counted as f64 / published as f64 - 1.0).abs();
        assert!(
            if rounded { off < 2e-3 } else { counted == published },
            "{name}: {counted}, published {published}"
        );
    }
}

#[test]
fn active_parameters_are_those_of_the_cards() {
    for (name, published) in [
        ("mistralai/Mixtral-8x7B", 12.9e9),
        ("mistralai/Mixtral-8x22B", 39.1e9),
        ("deepseek-ai/DeepSeek-V3", 37e9),
        ("deepseek-ai/DeepSeek-V2", 21e9),
        ("Qwen/Qwen3-30B-A3B", 3.3e9),
        ("Qwen/Qwen3-235B-A22B", 22e9),
        ("openai/gpt-oss-120b", 5.13e9),
        ("openai/gpt-oss-20b", 3.61e9),
    ] {
        let active = named(name).unwrap().active() as f64;
        // gpt-oss's card leaves one of the two embedding matrices out.
        let tolerance = if name.contains("gpt-oss") { 0.17 } else { 0.035 };
        assert!((active / published - 1.0).abs() < tolerance, "{name}: {active}, published {published}");
    }
}

#[test]
fn kv_caches_are_those_of_the_papers() {
    let per_token = |name: &str| named(name).unwrap().kv_bytes(1.0, KvPrecision::Bf16);
    assert_eq!(per_token("meta-llama/Llama-2-7b").to_string(), "524288");
    assert_eq!(per_token("meta-llama/Llama-3.1-8B").to_string(), "131072");
    assert_eq!(per_token("meta-llama/Llama-3.1-70B").to_string(), "327680");
    // DeepSeek-V3 report, and ISCA 2025 "Insights into DeepSeek-V3", table 1: 70.272 KB.
    assert_eq!(per_token("deepseek-ai/DeepSeek-V3").to_string(), "70272");
    assert_eq!(per_token("Qwen/Qwen2.5-72B").to_string(), "327680");
    // Windows bound the cache of long sequences.
    let gemma = named("google/gemma-3-27b").unwrap();
    let long = gemma.kv_bytes(100_000.0, KvPrecision::Bf16) / gemma.kv_bytes(1.0, KvPrecision::Bf16);
    assert!(long < 20_000.0, "{long}");
}

#[test]
fn kv_heads_are_copied_where_there_are_fewer_than_gpus() {
    let model = named("Qwen/Qwen2.5-7B").unwrap();
    assert!((model.kv_share(4) - 0.25).abs() < 1e-12);
    assert!((model.kv_share(8) - 0.25).abs() < 1e-12);
    assert!((named("deepseek-ai/DeepSeek-V3").unwrap().kv_share(8) - 1.0).abs() < 1e-12);
}

#[test]
fn images_become_as_many_tokens_as_their_processors_say() {
    let qwen = Tokens::Squares { side: 28, min: 4, max: 16_384 };
    for (tokens, width, height, wanted) in [
        // Qwen2-VL's paper, section 2.1: a 224 × 224 image is 66 tokens.
        (qwen, 224, 224, 66),
        (qwen, 1024, 1024, 37 * 37 + 2),
        (qwen, 1, 1, 4 + 2),
        (Tokens::Fixed(576), 10, 9_999, 576),
        // One tile needs no thumbnail; 896 × 448 is two tiles and one.
        (Tokens::Tiles, 448, 448, 258),
        (Tokens::Tiles, 896, 448, 3 * 256 + 2),
        // Pixtral 12B's paper: 1024 × 1024 is 64 rows of 64 patches and a row end.
        (Tokens::Rows, 1024, 1024, 64 * 65),
        (Tokens::Rows, 4096, 4096, 64 * 65),
        // Phi-3.5-vision: 1344 × 1344 in 16 crops.
        (Tokens::Crops, 1344, 1344, 17 * 144 + 1 + 5 * 12),
    ] {
        assert_eq!(tokens.of(width, height), wanted, "{tokens:?} {width}x{height}");
    }
    assert!(qwen.of(20_000, 20_000) <= 16_386);
}

#[test]
fn names_are_found_without_owner_case_and_ending() {
    for (given, precision) in [
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", None),
        ("llama-3.1-8b", None),
        ("Qwen/Qwen2.5-VL-7B-Instruct-AWQ", Some(Precision::Int4)),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-FP8", Some(Precision::Fp8)),
        ("deepseek-ai/DeepSeek-R1-0528", Some(Precision::Fp8)),
        ("openai/gpt-oss-20b", Some(Precision::Mxfp4)),
    ] {
        assert_eq!(named(given).map(|model| model.published), Ok(precision), "{given}");
    }
    let Err(error) = named("Qwen/Qwen2.5-8B") else { panic!("there is no such model") };
    let text = format!("{error}; {}", error.hint());
    assert!(text.contains("Qwen2.5-") && text.contains("--config-json"), "{text}");
}

#[test]
fn configurations_that_cannot_be_are_refused_by_field() {
    for (config, field) in [
        ("7", "configuration"),
        ("{}", "hidden_size is missing"),
        (r#"{"hidden_size": 0, "num_attention_heads": 1, "num_hidden_layers": 1}"#, "hidden_size is 0"),
        (
            r#"{"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 8, "num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 9}"#,
            "num_key_value_heads is 8",
        ),
        (
            r#"{"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 9, "num_local_experts": 4, "num_experts_per_tok": 5}"#,
            "num_experts_per_tok is 5",
        ),
        (
            r#"{"hidden_size": 99999999999999, "num_attention_heads": 4, "num_hidden_layers": 1}"#,
            "hidden_size",
        ),
        (
            r#"{"hidden_size": 4, "num_attention_heads": 8, "num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 9}"#,
            "head_dim is 0",
        ),
    ] {
        let error = read_config("m", config).unwrap_err();
        assert!(
            matches!(error, RecommendError::Config { .. }) && error.to_string().contains(field),
            "{error}"
        );
    }
}

#[test]
fn numbers_alone_make_a_model() {
    let numbers = Numbers {
        parameters: Some(7.6e9),
        layers: Some(28),
        kv_heads: Some(4),
        head_dim: Some(128),
        ..Numbers::default()
    };
    let model = Model::of_numbers("m", &numbers).unwrap();
    assert_eq!(model.parameters(), 7_600_000_000);
    let known = named("Qwen/Qwen2.5-7B").unwrap();
    assert_eq!(
        model.kv_bytes(1.0, KvPrecision::Bf16).to_string(),
        known.kv_bytes(1.0, KvPrecision::Bf16).to_string()
    );
    let sparse = Model::of_numbers("m", &Numbers { active_parameters: Some(1.9e9), ..numbers }).unwrap();
    assert!((sparse.parameters() as f64 / 7.6e9 - 1.0).abs() < 1e-6, "{}", sparse.parameters());
    assert!((sparse.active() as f64 / 1.9e9 - 1.0).abs() < 1e-6, "{}", sparse.active());
    let missing = Model::of_numbers("m", &Numbers { layers: None, ..numbers }).unwrap_err();
    assert!(missing.to_string().contains("--layers"), "{missing}");
}
