//! The description of the API in OpenAPI 3.1, made of the table of endpoints and the types' own schemas.

use serde_json::{Map, Value, json};

use super::endpoints::{ENDPOINTS, Endpoint, Given, Param, ParamKind, Taken};
use crate::document::v1::service::schemas;

/// The whole document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.verb.id().to_ascii_lowercase()] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "llm-loadtest",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Benchmarks of LLM servers: started, followed, compared and kept.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let Endpoint { name, verb, path, scope, summary, query, takes, answers, instead } = endpoint;
    let id = match instead {
        Some(_) => format!("{name:?}Older"),
        None => format!("{name:?}"),
    };
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "parameters": in_path(path).chain(query.iter().map(parameter)).collect::<Vec<_>>(),
        "responses": responses(answers),
    });
    if instead.is_some() {
        operation["deprecated"] = json!(true);
    }
    // Without a key in the store, this machine's own requests need none.
    operation["security"] = match scope {
        Some(scope) => json!([{ "key": [scope.id()] }, {}]),
        None => json!([]),
    };
    if verb.changes()
        && let Some(body) = body(*takes)
    {
        operation["requestBody"] = body;
    }
    operation
}

fn in_path(path: &str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|piece| piece.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let schema = if name == "row" {
            json!({ "type": "integer", "minimum": 0 })
        } else {
            json!({ "type": "string" })
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    })
}

fn parameter(param: &Param) -> Value {
    let Param { name, kind, help } = param;
    let schema = match kind {
        ParamKind::Text => json!({ "type": "string" }),
        ParamKind::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        ParamKind::Number => json!({ "type": "number", "minimum": 0 }),
        ParamKind::Flag => json!({ "type": "boolean" }),
        ParamKind::Choice(words) => json!({ "type": "string", "enum": words }),
    };
    json!({ "name": name, "in": "query", "description": help, "schema": schema })
}

fn body(takes: Taken) -> Option<Value> {
    let schema = match takes {
        Taken::Nothing => return None,
        Taken::Json(name) => reference(name),
        Taken::File => json!({}),
        Taken::Lines => json!({ "type": "string" }),
    };
    let content: Map<String, Value> =
        takes.kinds().iter().map(|kind| ((*kind).to_owned(), json!({ "schema": schema }))).collect();
    Some(json!({ "required": true, "content": content }))
}

fn responses(answers: &[(u16, Given)]) -> Value {
    let mut responses = Map::new();
    for (status, given) in answers {
        let key = status.to_string();
        let content = content(*given);
        let known = responses
            .get_mut(&key)
            .and_then(|known: &mut Value| known.pointer_mut("/content/application~1json/schema"));
        if let Some(known) = known {
            // Two forms of one status.
            *known = json!({ "anyOf": [known.clone(), content["application/json"]["schema"]] });
            continue;
        }
        let mut response = json!({ "description": "done" });
        if content != json!({}) {
            response["content"] = content;
        }
        responses.insert(key, response);
    }
    let problem = json!({
        "description": "what is wrong, and the next step",
        "content": { "application/problem+json": { "schema": reference("ProblemDocument") } },
    });
    responses.insert("default".to_owned(), problem);
    Value::Object(responses)
}

fn content(given: Given) -> Value {
    match given {
        Given::Nothing | Given::Upgrade => json!({}),
        Given::Json(name) => json!({ "application/json": { "schema": reference(name) } }),
        Given::Text(kinds) => {
            kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>().into()
        }
        Given::Stream => json!({ "text/event-stream": { "schema": reference("EventDocument") } }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let document = document();
        let text = document.to_string();
        let mut rest = text.as_str();
        let mut count = 0;
        while let Some(at) = rest.find("\"$ref\":\"#") {
            rest = &rest[at + 9..];
            let end = rest.find('"').unwrap();
            assert!(document.pointer(&rest[..end]).is_some(), "{}", &rest[..end]);
            count += 1;
        }
        assert!(count > 100, "{count}");
        let mut ids: Vec<&str> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), ENDPOINTS.len());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ENDPOINTS.len());
    }
}
