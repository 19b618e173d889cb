//! A report, ready to be shown in any of the three shapes.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::arrange::Arrangement;
use super::json::Part;
use super::text::Text;
use super::words::millis;
use crate::model::SecretText;

/// The version of the shape of every document and every line of JSON.
pub(super) const FORMAT_VERSION: u32 = 1;

/// One result: the JSON a script reads and the text a person reads, made from the same report.
#[derive(Debug, Clone)]
pub(crate) struct View {
    body: Body,
    /// The type of its line, where that is not its noun.
    kind: Option<&'static str>,
    /// Whether its table is shown whole, however narrow the window is.
    pub(super) is_wide: bool,
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
    List(Nouns, Items),
    /// A secret that the operator asked to see.
    Revealed(&'static str, SecretText),
}

/// The items of a list: made, or made one by one as they are written, where there may be very many.
#[derive(Clone)]
enum Items {
    Made(Vec<Value>),
    AsWritten(usize, Rc<dyn Fn(usize) -> Value>),
}

impl std::fmt::Debug for Items {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Made(values) => formatter.debug_list().entries(values).finish(),
            Self::AsWritten(count, _) => write!(formatter, "{count} items"),
        }
    }
}

/// What a list's field is called, and what one of its items is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nouns {
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
}

impl View {
    pub(super) fn item(noun: &'static str, value: Value, text: impl Into<Text>) -> Self {
        Self::new(Body::Item(noun, value), text.into())
    }

    pub(super) fn list(
        (plural, singular): (&'static str, &'static str),
        values: Vec<Value>,
        text: impl Into<Text>,
    ) -> Self {
        let count = values.len();
        let body = Body::List(Nouns { plural, singular }, Items::Made(values));
        Self::new(body, text.into()).with("summary", json!({ "count": count }))
    }

    /// Returns a list of so many items, each of which is made when it is written.
    pub(super) fn list_as_written(
        (plural, singular): (&'static str, &'static str),
        count: usize,
        item: impl Fn(usize) -> Value + 'static,
        text: impl Into<Text>,
    ) -> Self {
        let items = Items::AsWritten(count, Rc::new(item));
        let body = Body::List(Nouns { plural, singular }, items);
        Self::new(body, text.into()).with("summary", json!({ "count": count }))
    }

    /// Returns a view of a secret that the operator asked to see; its text is the secret alone, so
    /// that a shell can use it.
    pub(super) fn revealed(noun: &'static str, secret: &SecretText) -> Self {
        let text = Text::revealed(secret.clone());
        Self::new(Body::Revealed(noun, secret.clone()), text)
    }

    fn new(body: Body, text: Text) -> Self {
        Self { body, kind: None, is_wide: false, fields: Map::new(), text, notes: Text::new() }
    }

    /// Says what its line of JSON is called, where its noun does not.
    #[must_use]
    pub(super) fn of_type(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Adds a field beside the thing or the list.
    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.fields.insert(field.to_owned(), value);
        self
    }

    /// Makes a dry run's view of what the real run would say: all of it is the plan.
    #[must_use]
    pub(super) fn into_plan(mut self) -> Self {
        let mut plan = std::mem::take(&mut self.fields);
        for of_a_run in ["dry_run", "elapsed_ms", "interrupted"] {
            plan.remove(of_a_run);
        }
        match self.body {
            Body::Item(noun, value) => plan.insert(noun.to_owned(), value),
            Body::List(nouns, Items::Made(values)) => {
                plan.insert(nouns.plural.to_owned(), values.into())
            }
            Body::List(nouns, Items::AsWritten(count, item)) => {
                plan.insert(nouns.plural.to_owned(), (0..count).map(|at| item(at)).collect())
            }
            // A plan holds no secret: there is none yet.
            Body::Revealed(..) => None,
        };
        self.body = Body::Item("plan", Value::Object(plan));
        self.kind = None;
        self.with("dry_run", json!(true))
    }

    /// Sorts, cuts and picks as the reader wants.
    #[must_use]
    pub(crate) fn arranged(mut self, arrangement: &Arrangement) -> Self {
        self = self.within(arrangement);
        if let Body::List(_, Items::Made(values)) = &mut self.body {
            if let Some(table) = self.text.table_mut() {
                arrangement.apply(table, values);
            }
            let count = values.len();
            return self.with("summary", json!({ "count": count }));
        }
        self
    }

    /// Shows its table as wide as the reader wants.
    #[must_use]
    pub(super) fn within(mut self, arrangement: &Arrangement) -> Self {
        self.is_wide = arrangement.is_wide;
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
        let body = match &self.body {
            Body::Item(noun, value) => (*noun, Part::Value(value)),
            Body::List(nouns, Items::Made(values)) => (nouns.plural, Part::List(values)),
            Body::List(nouns, Items::AsWritten(..)) => (nouns.plural, Part::List(&[])),
            Body::Revealed(noun, secret) => (*noun, Part::Revealed(secret)),
        };
        self.with_version(Some(body), None, write)
    }

    /// Returns the items that are made as they are written, if it is a list of such: the document has
    /// none of them.
    pub(super) fn as_written(&self) -> Option<(&'static str, impl Iterator<Item = Value> + '_)> {
        match &self.body {
            Body::List(nouns, Items::AsWritten(count, item)) => {
                Some((nouns.plural, (0..*count).map(|at| item(at))))
            }
            _ => None,
        }
    }

    /// Hands each line to a writer, in order: one for a single thing; for a list one for each item,
    /// and the document without its list.
    pub(super) fn lines(&self, mut write: impl FnMut(&Part<'_>)) {
        match &self.body {
            Body::Item(noun, value) => {
                let kind = self.kind.unwrap_or(noun);
                self.with_version(Some((noun, Part::Value(value))), Some(kind), write);
            }
            Body::Revealed(noun, secret) => {
                self.with_version(Some((noun, Part::Revealed(secret))), Some(noun), write);
            }
            Body::List(nouns, items) => {
                match items {
                    Items::Made(values) => {
                        for value in values {
                            write(&typed_line(nouns.singular, value));
                        }
                    }
                    Items::AsWritten(count, item) => {
                        for at in 0..*count {
                            write(&typed_line(nouns.singular, &item(at)));
                        }
                    }
                }
                self.with_version(None, Some(SUMMARY), write);
            }
        }
    }

    fn with_version<'a, R>(
        &'a self,
        body: Option<(&'a str, Part<'a>)>,
        kind: Option<&'a str>,
        write: impl FnOnce(&Part<'_>) -> R,
    ) -> R {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), Part::Value(value)));
        let head = [("format_version", Part::Number(FORMAT_VERSION))];
        let kind = kind.map(|kind| ("type", Part::Word(kind)));
        write(&Part::Fields(head.into_iter().chain(kind).chain(body).chain(fields).collect()))
    }
}

/// The type of a list's last line.
const SUMMARY: &str = "summary";

/// Returns a line of JSON: its type, and the thing under it.
pub(super) fn typed_line<'a>(kind: &'a str, value: &'a Value) -> Part<'a> {
    Part::Fields(vec![
        ("format_version", Part::Number(FORMAT_VERSION)),
        ("type", Part::Word(kind)),
        (kind, Part::Value(value)),
    ])
}
