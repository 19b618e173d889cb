//! The published document as a judge: of every request, and of every answer the fake gives.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

const TEXT: &str = include_str!("../../../data/management-api.openapi.json");

/// The published operations, compiled.
pub(crate) struct Document {
    operations: Vec<Operation>,
}

/// One operation.
pub(crate) struct Operation {
    /// As in `POST /v1/projects/{ref}/pause`.
    pub(crate) name: String,
    method: String,
    path: Vec<String>,
    parameters: Vec<Parameter>,
    body: Option<Validator>,
    answers: HashMap<u16, Option<Validator>>,
}

struct Parameter {
    name: String,
    place: String,
    is_required: bool,
    /// The type that its schema names.
    kind: String,
    validator: Validator,
}

/// A request's operation, its path's parameters, and its query.
pub(crate) struct Matched<'d> {
    pub(crate) operation: &'d Operation,
    pub(crate) path: HashMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
}

impl Document {
    pub(crate) fn read() -> Self {
        Self::of(TEXT)
    }

    /// Compiles another published document.
    pub(crate) fn of(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).unwrap();
        modernise(&mut document);
        let components = document["components"].clone();
        let compile = |schema: &Value| compiled(schema, &components);
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let parameter = |found: &Value| {
                    let kind = found["schema"]["type"].as_str().unwrap_or_default();
                    Parameter {
                        name: found["name"].as_str().unwrap().to_owned(),
                        place: found["in"].as_str().unwrap().to_owned(),
                        is_required: found["required"].as_bool().unwrap_or_default(),
                        kind: kind.to_owned(),
                        validator: compile(&found["schema"]),
                    }
                };
                let schema = |holder: &Value| {
                    let schema = &holder["content"]["application/json"]["schema"];
                    (!schema.is_null()).then(|| compile(schema))
                };
                let method = method.to_uppercase();
                operations.push(Operation {
                    name: format!("{method} {path}"),
                    method,
                    path: path.split('/').skip(1).map(str::to_owned).collect(),
                    parameters: parameters.map(parameter).collect(),
                    body: schema(&operation["requestBody"]),
                    answers: operation["responses"]
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(status, answer)| (status.parse().unwrap(), schema(answer)))
                        .collect(),
                });
            }
        }
        // What is spelled out comes before what a parameter takes.
        operations.sort_by_key(|operation| operation.name.matches('{').count());
        Self { operations }
    }

    /// Returns the operation a request means.
    pub(crate) fn find(&self, method: &str, path: &str, query: &str) -> Option<Matched<'_>> {
        let parts: Vec<_> = path.split('/').skip(1).map(decode).collect();
        let fits = |operation: &&Operation| {
            operation.method == method
                && operation.path.len() == parts.len()
                && operation.path.iter().zip(&parts).all(|(a, b)| a.starts_with('{') || a == b)
        };
        let operation = self.operations.iter().find(fits)?;
        let named = operation.path.iter().zip(parts).filter(|(name, _)| name.starts_with('{'));
        let given = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        // A list comes as `services=db&services=auth` or as `services=db,auth`: clients do both.
        let is_list = |name: &str| {
            operation.parameters.iter().any(|known| known.name == name && known.kind == "array")
        };
        let query = given.flat_map(|(name, value)| {
            let parts: Vec<_> = if is_list(&name) {
                value.split(',').map(str::to_owned).collect()
            } else {
                vec![value]
            };
            parts.into_iter().map(move |part| (name.clone(), part))
        });
        let query = query.collect();
        let path = named.map(|(name, value)| (name.trim_matches(['{', '}']).to_owned(), value));
        Some(Matched { operation, path: path.collect(), query })
    }
}

impl Matched<'_> {
    /// Returns what is wrong with the request, in the API's own way: `field: reason`.
    pub(crate) fn complaints(&self, body: &Value) -> Vec<String> {
        let mut complaints = Vec::new();
        for parameter in &self.operation.parameters {
            let given: Vec<&str> = if parameter.place == "path" {
                self.path.get(&parameter.name).map(String::as_str).into_iter().collect()
            } else if parameter.place == "query" {
                let named = self.query.iter().filter(|(name, _)| *name == parameter.name);
                named.map(|(_, value)| value.as_str()).collect()
            } else {
                continue;
            };
            // A query has text alone.
            let typed = |text: &str| {
                let read = match parameter.kind.as_str() {
                    "integer" | "number" => text.parse::<i64>().ok().map(|number| json!(number)),
                    "boolean" => text.parse::<bool>().ok().map(|boolean| json!(boolean)),
                    _ => None,
                };
                read.unwrap_or_else(|| json!(text))
            };
            let value = match given.as_slice() {
                [] if parameter.is_required => {
                    complaints.push(format!("{}: Required", parameter.name));
                    continue;
                }
                [] => continue,
                many if parameter.kind == "array" => many.iter().map(|one| typed(one)).collect(),
                [first, ..] => typed(first),
            };
            complaints.extend(
                parameter.validator.iter_errors(&value).map(|e| format!("{}: {e}", parameter.name)),
            );
        }
        for (name, _) in &self.query {
            if !self.operation.parameters.iter().any(|known| known.name == *name) {
                complaints.push(format!("{name}: is no parameter"));
            }
        }
        if let Some(validator) = &self.operation.body {
            let at = |path: String| path.trim_start_matches('/').replace('/', ".");
            complaints.extend(
                validator
                    .iter_errors(body)
                    .map(|e| format!("{}: {e}", at(e.instance_path().to_string()))),
            );
        }
        complaints
    }

    /// Returns what the document says against an answer. It lists no refusals but 401, 403, 429 and
    /// 500; the others are real all the same, and have no published shape.
    pub(crate) fn objections(&self, status: u16, body: &Value) -> Vec<String> {
        match self.operation.answers.get(&status) {
            Some(Some(validator)) => {
                let errors = validator.iter_errors(body);
                errors.map(|e| format!("{} {status}: {e}", self.operation.name)).collect()
            }
            Some(None) => Vec::new(),
            None if status >= 400 => Vec::new(),
            None => vec![format!("{} never answers {status}", self.operation.name)],
        }
    }
}

fn decode(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

fn compiled(schema: &Value, components: &Value) -> Validator {
    let root = json!({ "allOf": [schema], "components": components });
    jsonschema::validator_for(&root).unwrap()
}

/// Rewrites what `OpenAPI` 3.0 says in its own way as JSON Schema says it.
fn modernise(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(modernise),
        Value::Object(fields) => {
            fields.values_mut().for_each(modernise);
            if fields.remove("nullable") == Some(json!(true)) {
                allow_null(fields);
            }
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
            {
                if let Some(Value::Bool(is_exclusive)) = fields.get(flag).cloned() {
                    fields.remove(flag);
                    if is_exclusive && let Some(limit) = fields.remove(bound) {
                        fields.insert(flag.to_owned(), limit);
                    }
                }
            }
        }
        _ => {}
    }
}

fn allow_null(fields: &mut Map<String, Value>) {
    if let Some(kind) = fields.get("type").cloned() {
        fields.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.push(Value::Null);
    }
}
