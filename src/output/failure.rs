//! An error as the operator reads it: what failed, why, and what to type next.

use serde_json::{Value, json};

use super::console::Console;
use crate::model::{Classified, ErrorKind, escape_controls, redact};

/// How a command that reported something ends; nothing when all is well.
pub type Ending = Option<ErrorKind>;

/// An error with its kind and the next thing to do.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    kind: ErrorKind,
    hint: Option<String>,
}

impl<E: Classified + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let (kind, hint) = (error.kind(), error.hint());
        Self { error: anyhow::Error::new(error), kind, hint }
    }
}

impl Failure {
    /// Returns a failure that no room below has a type for.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { error: anyhow::Error::msg(message.into()), kind, hint: None }
    }

    /// Adds what to do about it, unless the error knew better.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Returns how the process ends.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what failed and why, on one line, to be read after "failed to".
    pub fn line(&self) -> String {
        let mut parts = vec![self.message()];
        parts.extend(self.causes());
        parts.join(": ")
    }

    pub(super) fn text(&self, console: &Console) -> String {
        let word = console.bad("error:");
        // Paths and what a server says come from outside; the shape of these lines is ours.
        let safe = |text: &str| escape_controls(text);
        let mut lines = vec![format!("{word} failed to {}", safe(&self.message()))];
        lines.extend(self.causes().iter().map(|cause| format!("  because: {}", safe(cause))));
        if let Some(hint) = &self.hint {
            lines.push(format!("{} {}", console.good("hint:"), safe(&redact(hint))));
        }
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        json!({ "error": {
            "kind": self.kind.word(),
            "message": format!("failed to {}", self.message()),
            "causes": self.causes(),
            "hint": self.hint.as_deref().map(redact),
            "retryable": self.kind.is_retryable(),
        }})
    }

    fn message(&self) -> String {
        redact(&self.error.to_string())
    }

    /// Returns the causes, each once: a transparent error repeats what it wraps.
    fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut before = self.message();
        for cause in self.error.chain().skip(1) {
            let text = redact(&cause.to_string());
            if text != before {
                causes.push(text.clone());
            }
            before = text;
        }
        causes
    }
}
