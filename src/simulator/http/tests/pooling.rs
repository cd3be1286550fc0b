//! Embeddings and rerank: requests that the model only reads.

use serde_json::{Value, json};

use super::raw::*;
use crate::simulator::http::TruthOutcome;

#[test]
fn embeddings_are_vectors_of_length_one_by_input() {
    let sim = sim("");
    let body = json!({"model": "tiny", "input": ["one two", "three", "one two"], "dimensions": 100});
    let answer = whole(&ask(&sim, "/v1/embeddings", &body));
    let vector = |index: usize| -> Vec<f64> {
        serde_json::from_value(answer["data"][index]["embedding"].clone()).unwrap()
    };
    for index in 0..3 {
        let norm: f64 = vector(index).iter().map(|x| x * x).sum();
        assert!(vector(index).len() == 100 && (norm - 1.0).abs() < 1e-9, "{norm}");
    }
    assert_eq!(vector(0), vector(2));
    assert_ne!(vector(0), vector(1));
    assert_eq!((&answer["usage"]["prompt_tokens"], &answer["object"]), (&json!(5), &json!("list")));
    let row = &sim.truth()[0];
    assert_eq!((row.outcome, row.prompt_tokens, row.output_tokens), (TruthOutcome::Finished, 5, 0));
    let page = get(&sim, "/metrics").body;
    assert!(page.contains(r#"vllm:prompt_tokens_total{engine="0",model_name="tiny"} 5"#));
    assert!(page.contains(r#"vllm:generation_tokens_total{engine="0",model_name="tiny"} 0"#));
}

#[test]
fn ollama_embeds_in_its_own_shape() {
    let answer =
        whole(&ask(&sim("&engine=ollama"), "/api/embed", &json!({"model": "tiny", "input": "one two"})));
    assert_eq!(
        keys(&answer),
        ["embeddings", "load_duration", "model", "prompt_eval_count", "total_duration"]
    );
    assert_eq!(answer["prompt_eval_count"], 2);
}

#[test]
fn rerank_sorts_the_documents_by_their_scores() {
    let sim = sim("");
    let body = json!({"query": "one", "documents": ["a b", "c", "d e f"], "top_n": 2});
    for path in ["/rerank", "/v1/rerank"] {
        let answer = whole(&ask(&sim, path, &body));
        let results = answer["results"].as_array().unwrap();
        assert_eq!((results.len(), &answer["usage"]["total_tokens"]), (2, &json!(9)));
        let score = |result: &Value| result["relevance_score"].as_f64().unwrap();
        assert!(score(&results[0]) >= score(&results[1]) && score(&results[0]) < 1.0);
        let index = results[0]["index"].as_u64().unwrap() as usize;
        assert_eq!(results[0]["document"]["text"], body["documents"][index]);
    }
}

#[test]
fn faults_reach_them_too() {
    let body = json!({"input": "one"});
    assert_eq!(error(&ask(&sim("&errors=100%"), "/v1/embeddings", &body)).0, 500);
    assert_eq!(error(&ask(&sim("&reject=100%"), "/v1/embeddings", &body)).0, 429);
    assert_eq!(error(&ask(&sim("&instream=100%"), "/v1/embeddings", &body)).0, 500);
    assert!(!ask(&sim("&cut=100%"), "/v1/embeddings", &body).whole);
    for wrong in
        [json!({"input": []}), json!({"input": ""}), json!({"input": "x", "dimensions": 0}), json!({})]
    {
        assert_eq!(error(&ask(&sim(""), "/v1/embeddings", &wrong)).0, 400, "{wrong}");
    }
}
