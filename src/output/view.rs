//! A report, ready to be shown in any of the three shapes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::words::millis;

/// The version of every JSON result's shape.
const SCHEMA_VERSION: u32 = 1;

/// One result: the JSON a script reads and the text a person reads, made from the same report.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) body: Body,
    /// What a person reads on stdout.
    pub(super) text: String,
    /// What a person reads on stderr afterwards: warnings and what to type next.
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A single thing, under its singular.
    Item(Map<String, Value>),
    /// A list, under its plural noun, with what else belongs beside it.
    List(&'static str, Vec<Value>, Map<String, Value>),
}

impl View {
    /// Returns a view of a single thing.
    pub(super) fn item(noun: &str, value: Value, text: String) -> Self {
        let mut body = Map::new();
        body.insert(noun.to_owned(), value);
        Self { body: Body::Item(body), text, notes: Vec::new() }
    }

    /// Returns a view of a list.
    pub(super) fn list(noun: &'static str, values: Vec<Value>, text: String) -> Self {
        Self { body: Body::List(noun, values, Map::new()), text, notes: Vec::new() }
    }

    /// Adds a field beside the thing or the list.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        let (Body::Item(fields) | Body::List(_, _, fields)) = &mut self.body;
        fields.insert(field.to_owned(), value);
        self
    }

    /// Adds how long it took.
    #[must_use]
    pub fn took(self, elapsed: Duration) -> Self {
        self.with("elapsed_ms", json!(millis(elapsed)))
    }

    /// Adds a note for people.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Leaves the notes out, for who strings several results together.
    #[must_use]
    pub fn without_notes(mut self) -> Self {
        self.notes.clear();
        self
    }

    /// Returns the one document.
    pub(super) fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
        match &self.body {
            Body::Item(fields) => document.extend(fields.clone()),
            Body::List(noun, values, fields) => {
                document.insert((*noun).to_owned(), json!(values));
                document.extend(fields.clone());
            }
        }
        Value::Object(document)
    }

    /// Returns one line for each item; a single thing is one line.
    pub(super) fn lines(&self) -> Vec<Value> {
        match &self.body {
            Body::Item(_) => vec![self.document()],
            Body::List(_, values, _) => values.clone(),
        }
    }
}
