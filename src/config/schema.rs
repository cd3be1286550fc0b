//! The file's JSON Schema for editors, made from the settings table.

use serde_json::{Map, Value, json};

use super::setting::{Section, Setting, Shape};
use super::settings::SETTINGS;

/// The schema (draft 2020-12) of a configuration file, and of each file of a configuration folder.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "llm-loadtest configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "targets": list("Servers under test.", Section::Target, &["name", "base_url"]),
            "models": list("Models with their context and tokenizer.", Section::Model, &["name"]),
            "workloads": list("Loads.", Section::Workload, &["name"]),
            "gate": section("What a gate holds a run to.", Section::Gate, &[]),
        },
    })
}

fn list(description: &str, place: Section, required: &[&str]) -> Value {
    json!({ "type": "array", "description": description, "items": section("", place, required) })
}

fn section(description: &str, place: Section, required: &[&str]) -> Value {
    let mut properties = Map::new();
    if place != Section::Gate {
        let name = json!({ "type": "string", "minLength": 1, "description": "Name to choose it by." });
        properties.insert("name".to_owned(), name);
    }
    if place == Section::Target {
        let description = "The environment variable that holds the key, as ${NAME}.";
        let key = json!({ "type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$", "description": description });
        properties.insert("api_key".to_owned(), key);
    }
    for setting in SETTINGS {
        for (_, key) in setting.file.iter().filter(|(section, _)| *section == place) {
            properties.insert((*key).to_owned(), property(setting));
        }
    }
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !description.is_empty() {
        schema["description"] = json!(description);
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(setting: &Setting) -> Value {
    let mut schema = shape(setting.shape);
    if setting.default == Some("auto") {
        schema = json!({ "anyOf": [schema, { "const": "auto" }] });
    }
    schema["description"] = json!(setting.help);
    if let Some(text) = setting.default {
        schema["default"] = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    }
    schema
}

fn shape(shape: Shape) -> Value {
    let one_or_more = |item: Value| json!({ "anyOf": [item, { "type": "string" }, { "type": "array", "items": item, "minItems": 1 }] });
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Choice(words) => json!({ "type": "string", "examples": words }),
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::Count => json!({ "type": "integer", "minimum": 0 }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Duration => json!({ "type": ["string", "number"], "examples": ["30s", "5m"] }),
        Shape::Share => json!({ "type": ["string", "number"], "examples": ["3%"] }),
        Shape::Lengths => json!({
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string" },
                { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 2, "maxItems": 2 },
            ],
        }),
        Shape::Counts => one_or_more(json!({ "type": "integer", "minimum": 1 })),
        Shape::Numbers => one_or_more(json!({ "type": "number", "exclusiveMinimum": 0 })),
        Shape::Words => json!({ "type": ["string", "array"], "items": { "type": ["string", "number"] } }),
        Shape::Texts => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        Shape::Pairs => json!({
            "type": ["object", "string", "array"],
            "additionalProperties": { "type": ["string", "number"] },
            "items": { "type": "string" },
        }),
        Shape::Weights => json!({
            "type": ["object", "string", "array"],
            "additionalProperties": { "type": "number", "exclusiveMinimum": 0 },
            "items": { "anyOf": [{ "type": "string" }, {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "workload": { "type": "string" },
                    "model": { "type": "string" },
                    "name": { "type": "string" },
                    "weight": { "type": "number", "exclusiveMinimum": 0 },
                },
            }] },
        }),
        Shape::Json => json!({ "type": ["object", "string"] }),
    }
}
