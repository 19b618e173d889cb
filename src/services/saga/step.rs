//! What a step of a saga is called, and what it hands on.

/// A step's name: a word for the journal, a phrase for people.
pub(crate) trait SagaStep: Copy {
    /// Returns the word the journal, JSON and failpoints use.
    fn word(self) -> &'static str;

    /// Returns what people read while it runs.
    fn title(self) -> &'static str;
}

/// What a step ends with: what the next steps take from it, and in a few words what was done.
#[derive(Debug)]
pub(crate) struct Made<T> {
    /// What it hands on.
    pub value: T,
    /// What was done or found.
    pub outcome: String,
    /// Whether an earlier run had done it.
    pub was_there: bool,
}

impl<T> Made<T> {
    /// Returns what this run did.
    pub(crate) fn now(value: T, outcome: impl Into<String>) -> Self {
        Self { value, outcome: outcome.into(), was_there: false }
    }

    /// Returns what an earlier run had done.
    pub(crate) fn before(value: T, outcome: impl Into<String>) -> Self {
        Self { value, outcome: outcome.into(), was_there: true }
    }
}
