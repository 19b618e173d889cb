//! A report, ready to be shown in any of the three shapes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::json::Part;
use super::text::Text;
use super::words::millis;
use crate::model::SecretText;

/// The version of every JSON result's shape.
const SCHEMA_VERSION: u32 = 1;

/// One result: the JSON a script reads and the text a person reads, made from the same report.
#[derive(Debug, Clone)]
pub(crate) struct View {
    body: Body,
    /// What stands beside the thing or the list in JSON.
    fields: Map<String, Value>,
    /// What a person reads on stdout.
    pub(super) text: Text,
    /// What a person reads on stderr afterwards: warnings and what to type next.
    pub(super) notes: Text,
}

#[derive(Debug, Clone)]
enum Body {
    /// A single thing, under its singular.
    Item(&'static str, Value),
    /// A list, under its plural noun.
    List(&'static str, Vec<Value>),
    /// A secret that the operator asked to see.
    Revealed(&'static str, SecretText),
}

impl View {
    pub(super) fn item(noun: &'static str, value: Value, text: impl Into<Text>) -> Self {
        Self::new(Body::Item(noun, value), text.into())
    }

    pub(super) fn list(noun: &'static str, values: Vec<Value>, text: impl Into<Text>) -> Self {
        Self::new(Body::List(noun, values), text.into())
    }

    /// Returns a view of a secret that the operator asked to see; its text is the secret alone, so
    /// that a shell can use it.
    pub(super) fn revealed(noun: &'static str, secret: &SecretText) -> Self {
        let text = Text::revealed(secret.clone());
        Self::new(Body::Revealed(noun, secret.clone()), text)
    }

    fn new(body: Body, text: Text) -> Self {
        Self { body, fields: Map::new(), text, notes: Text::new() }
    }

    /// Adds a field beside the thing or the list.
    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// Adds how long it took.
    #[must_use]
    pub(crate) fn took(self, elapsed: Duration) -> Self {
        self.with("elapsed_ms", json!(millis(elapsed)))
    }

    /// Adds a note for people.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<Text>) -> Self {
        self.notes = self.notes.and(note);
        self
    }

    /// Adds commands that may come next.
    #[must_use]
    pub(super) fn next<C: AsRef<str>>(mut self, commands: impl IntoIterator<Item = C>) -> Self {
        let lines = commands.into_iter().map(|command| command.as_ref().to_owned());
        self.notes = self.notes.next_commands(lines);
        self
    }

    /// Leaves the notes out, where several results are strung together.
    #[must_use]
    pub(crate) fn without_notes(mut self) -> Self {
        self.notes = Text::new();
        self
    }

    /// Hands the one document to a writer.
    pub(super) fn document<R>(&self, write: impl FnOnce(&Part<'_>) -> R) -> R {
        let version = json!(SCHEMA_VERSION);
        let body = match &self.body {
            Body::Item(noun, value) => (*noun, Part::Value(value)),
            Body::List(noun, values) => (*noun, Part::List(values)),
            Body::Revealed(noun, secret) => (*noun, Part::Revealed(secret)),
        };
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), Part::Value(value)));
        let parts = [("schema_version", Part::Value(&version)), body];
        write(&Part::Fields(parts.into_iter().chain(fields).collect()))
    }

    /// Returns the items of a list; `None` for a single thing.
    pub(super) fn items(&self) -> Option<&[Value]> {
        match &self.body {
            Body::List(_, values) => Some(values),
            Body::Item(..) | Body::Revealed(..) => None,
        }
    }
}
