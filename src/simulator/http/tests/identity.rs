//! What an engine can be told by: models, headers, metadata, and what it says where nothing is.

use serde_json::{Value, json};

use super::raw::*;

fn json_at(engine: &str, path: &str) -> Value {
    whole(&get(&sim(&format!("&engine={engine}")), path))
}

#[test]
fn models_are_owned_by_their_engine() {
    let owner = |engine: &str| json_at(engine, "/v1/models")["data"][0]["owned_by"].clone();
    for (engine, name) in [
        ("vllm", "vllm"),
        ("sglang", "sglang"),
        ("llama-server", "llamacpp"),
        ("trtllm", "tensorrt_llm"),
        ("ollama", "library"),
        ("tgi", "tiny"),
    ] {
        assert_eq!(owner(engine), name, "{engine}");
    }
    assert_eq!(json_at("anthropic", "/v1/models")["data"][0]["type"], "model");
}

#[test]
fn each_engine_has_its_own_pages() {
    let front = get(&sim("&engine=ollama"), "/");
    assert_eq!((front.status, front.body.as_str()), (200, "Ollama is running"));
    assert_eq!(json_at("ollama", "/api/tags")["models"][0]["name"], "tiny");
    assert_eq!(json_at("ollama", "/api/ps")["models"][0]["model"], "tiny");
    assert!(json_at("ollama", "/api/version")["version"].is_string());
    assert_eq!(json_at("triton", "/v2")["name"], "triton");
    let model = json_at("triton", "/v2/models/tiny");
    assert_eq!(keys(&model), ["inputs", "name", "outputs", "platform", "versions"]);
    let index = whole(&ask(&sim("&engine=triton"), "/v2/repository/index", &json!({})));
    assert_eq!(index[0], json!({"name": "tiny", "version": "1", "state": "READY"}));
    assert_eq!(get(&sim("&engine=triton&start_ms=60000"), "/v2/health/ready").status, 400);
    assert_eq!(json_at("tgi", "/info")["model_id"], "tiny");
    assert_eq!(json_at("sglang", "/get_model_info")["served_model_name"], "tiny");
    assert_eq!(json_at("llama-server", "/props")["model_alias"], "tiny");
    assert_eq!(json_at("llama-server", "/health"), json!({"status": "ok"}));
    assert!(json_at("trtllm", "/metrics")[0]["iter"].is_u64());
}

#[test]
fn servers_name_themselves_in_a_header_where_they_do() {
    let server = |engine: &str| {
        let head = get(&sim(&format!("&engine={engine}")), "/v1/models").head;
        head.lines().find_map(|line| line.strip_prefix("server: ").map(str::to_owned))
    };
    assert_eq!(server("llama-server").as_deref(), Some("llama.cpp"));
    assert_eq!(server("vllm").as_deref(), Some("uvicorn"));
    assert_eq!(server("ollama"), None);
}

#[test]
fn nothing_is_served_that_an_engine_does_not_have() {
    let lost = |engine: &str, path: &str| {
        let answer = ask(&sim(&format!("&engine={engine}")), path, &json!({}));
        (answer.status, answer.body)
    };
    assert_eq!(lost("vllm", "/api/generate"), (404, r#"{"detail":"Not Found"}"#.to_owned()));
    assert_eq!(lost("ollama", "/v2/models/tiny/generate"), (404, "404 page not found".to_owned()));
    assert_eq!(lost("triton", CHAT).0, 404);
    assert_eq!(lost("tgi", "/api/chat"), (404, String::new()));
    let (status, body) = lost("llama-server", "/generate");
    assert_eq!((status, body.contains("File Not Found")), (404, true));
    let (status, body) = lost("anthropic", CHAT);
    assert_eq!((status, body.contains("not_found_error")), (404, true));
}

#[test]
fn a_server_without_an_engine_speaks_all_and_claims_nothing() {
    let sim = sim("");
    for (path, body) in [
        ("/api/generate", json!({"model": "tiny", "prompt": "a", "options": {"num_predict": 1}})),
        ("/v2/models/tiny/generate", json!({"text_input": "a", "max_tokens": 1})),
        ("/generate_stream", json!({"inputs": "a", "parameters": {"max_new_tokens": 1}})),
        (
            "/v1/messages",
            json!({"model": "tiny", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}]}),
        ),
        ("/v1/responses", json!({"input": "a", "max_output_tokens": 1})),
        ("/v1/embeddings", json!({"input": "a"})),
    ] {
        let answer = ask(&sim, path, &body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    for path in ["/", "/v2", "/info", "/api/version", "/api/tags", "/props", "/get_model_info"] {
        assert_eq!(get(&sim, path).status, 404, "{path} would say whose it is");
    }
}
