//! A report, ready to be shown in any of the three shapes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::SessionState;
use crate::services::session::IssueReport;

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
    pub(super) fn with(mut self, field: &str, value: Value) -> Self {
        let (Body::Item(fields) | Body::List(_, _, fields)) = &mut self.body;
        fields.insert(field.to_owned(), value);
        self
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

    /// Adds what the demo did beside creating the tenant.
    #[must_use]
    pub fn with_demo(
        self,
        local_url: &str,
        session: &IssueReport,
        (before, after): (SessionState, SessionState),
        elapsed: Duration,
    ) -> Self {
        let states = json!({
            "jti": session.jti.as_str(),
            "before_revocation": before.word(),
            "after_revocation": after.word(),
        });
        self.with("local", json!({ "url": local_url }))
            .with("session", states)
            .with("elapsed_ms", json!(super::progress::millis(elapsed)))
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

/// Returns JSON as text in which no control character, C1 and bidirectional marks included, is raw:
/// serde escapes C0 only.
pub(super) fn json_text(value: &Value, is_pretty: bool) -> String {
    let text =
        if is_pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.unwrap_or_default();
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let is_shown = matches!(character, '\n' | ' '..='~')
            || crate::model::escape_controls(character.encode_utf8(&mut [0; 4])).len()
                == character.len_utf8();
        if is_shown {
            safe.push(character);
        } else {
            // Everything that is escaped here lies in the basic plane: \uXXXX is one unit.
            let escape = format!("\\u{:04x}", u32::from(character));
            safe.push_str(&escape);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_raw_control_and_reads_back_the_same() {
        let value = json!({ "name": "a\u{9b}b\u{202e}c\u{7f}d\u{1b}e", "plain": "Ünïcode 電" });
        for is_pretty in [true, false] {
            let text = json_text(&value, is_pretty);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            assert!(!text.contains('\u{202e}'));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
