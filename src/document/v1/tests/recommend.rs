//! What `recommend` prints, against its schema.

use serde_json::{Value, json};

use crate::document::v1::recommend_schema;

#[test]
fn the_committed_schema_of_recommendations_is_current() {
    let generated = recommend_schema();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/recommend.schema.json");
        crate::host::files::write_atomic(std::path::Path::new(path), generated.as_bytes()).unwrap();
        return;
    }
    let committed = include_str!("../../../../schemas/recommend.schema.json");
    assert!(committed == generated, "a type changed: run the tests once with UPDATE_SCHEMAS=1, then again");
    let validator = jsonschema::validator_for(&serde_json::from_str::<Value>(committed).unwrap()).unwrap();
    assert!(!validator.is_valid(&json!({"surprise": true})));
}
