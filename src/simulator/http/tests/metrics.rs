//! `/metrics` in each engine's names, counted exactly.

use serde_json::json;

use super::raw::*;

/// The page of an engine after three requests of 40 prompt tokens and 5 output tokens, two of which the cache helped.
fn page(engine: &str, path: &str) -> String {
    let sim = sim(&format!("&engine={engine}"));
    let prompt = "word ".repeat(40);
    let (way, body) = match engine {
        "triton" => ("/v2/models/tiny/generate", json!({"text_input": prompt, "max_tokens": 5})),
        _ => (COMPLETIONS, json!({"prompt": prompt, "max_tokens": 5})),
    };
    (0..3).for_each(|_| assert_eq!(ask(&sim, way, &body).status, 200));
    get(&sim, path).body
}

fn check(engine: &str, path: &str, lines: &[&str]) {
    let page = page(engine, path);
    for line in lines {
        assert!(page.lines().any(|found| found == *line), "{line} in\n{page}");
    }
}

#[test]
fn vllm_tells_queue_prefill_and_decode() {
    check(
        "vllm",
        "/metrics",
        &[
            r#"vllm:prompt_tokens_cached_total{engine="0",model_name="tiny"} 64"#,
            r#"vllm:request_queue_time_seconds_count{engine="0",model_name="tiny"} 3"#,
            r#"vllm:request_prefill_time_seconds_count{engine="0",model_name="tiny"} 3"#,
            r#"vllm:request_decode_time_seconds_bucket{le="0.3",engine="0",model_name="tiny"} 3"#,
            r#"vllm:request_time_per_output_token_seconds_count{engine="0",model_name="tiny"} 3"#,
        ],
    );
}

#[test]
fn sglang_has_its_own_names_and_bounds() {
    check(
        "sglang",
        "/metrics",
        &[
            r#"sglang:num_running_reqs{engine_type="unified",model_name="tiny"} 0"#,
            r#"sglang:cached_tokens_total{cache_source="device",engine_type="unified",model_name="tiny"} 64"#,
            r#"sglang:num_requests_total{engine_type="unified",model_name="tiny"} 3"#,
            r#"sglang:time_to_first_token_seconds_bucket{le="400.0",engine_type="unified",model_name="tiny"} 3"#,
            r#"sglang:queue_time_seconds_bucket{le="0.0",engine_type="unified",model_name="tiny"} 3"#,
            "# TYPE sglang:queue_time_seconds histogram",
        ],
    );
}

#[test]
fn the_others_have_theirs() {
    check(
        "llama-server",
        "/metrics",
        &[
            "llamacpp:prompt_tokens_total 56",
            "llamacpp:tokens_predicted_total 15",
            "llamacpp:requests_deferred 0",
        ],
    );
    check(
        "trtllm",
        "/prometheus/metrics",
        &[
            r#"trtllm_generation_tokens_total{engine_type="undefined",model_name="tiny"} 15"#,
            r#"trtllm_request_success_total{finished_reason="length",engine_type="undefined",model_name="tiny"} 3"#,
        ],
    );
    check("tgi", "/metrics", &["tgi_request_success 3", "tgi_request_duration_count 3", "tgi_queue_size 0"]);
    check(
        "triton",
        "/metrics",
        &[
            r#"nv_inference_request_success{model="tiny",version="1"} 3"#,
            r#"nv_inference_request_failure{reason="REJECTED",model="tiny",version="1"} 0"#,
        ],
    );
    assert!(!page("tgi", "/metrics").contains("first_token"), "TGI has no such metric");
    assert_eq!(get(&sim("&engine=ollama"), "/metrics").status, 404);
}
