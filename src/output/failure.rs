//! An error as the operator reads it: what failed, why, and what to type next.

use std::error::Error;
use std::iter;

use serde_json::{Value, json};

use super::json::error_json;
use super::line::{bad, hint};
use super::text::Text;
use crate::model::{Classified, ErrorKind};

/// How a command ends that could report: `None` is success.
pub(crate) type Ending = Option<ErrorKind>;

/// An error with its kind and the next thing to do.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    kind: ErrorKind,
    hint: Option<String>,
    /// The tenants that were named and do not exist.
    missing_tenants: Vec<String>,
    /// What is known beside the error: who was in the way, what is in force.
    beside: Vec<String>,
}

impl<E: Classified + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let (kind, hint) = (error.kind(), error.hint());
        let missing_tenants = error.missing_tenants().to_vec();
        let error = anyhow::Error::new(error);
        Self { error, kind, hint, missing_tenants, beside: Vec::new() }
    }
}

impl Failure {
    /// Returns a failure that no error of a service or an adapter stands for.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let error = anyhow::Error::msg(message.into());
        Self { error, kind, hint: None, missing_tenants: Vec::new(), beside: Vec::new() }
    }

    /// Adds what to do about it, unless the error itself has a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Replaces what to do about it, where something better was found.
    #[must_use]
    pub(crate) fn better_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Adds to what to do about it.
    #[must_use]
    pub(crate) fn and_hint(self, more: &str) -> Self {
        let hint = match &self.hint {
            Some(hint) => format!("{hint}; {more}"),
            None => more.to_owned(),
        };
        self.better_hint(Some(hint))
    }

    /// Returns the tenants that were named and do not exist.
    pub(crate) fn missing_tenants(&self) -> &[String] {
        &self.missing_tenants
    }

    /// Adds what is known beside the error.
    #[must_use]
    pub(crate) fn because(mut self, what: String) -> Self {
        self.beside.push(what);
        self
    }

    /// Returns whether the error or one of its causes is so.
    pub(crate) fn has_cause(&self, is_so: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
        self.error.chain().any(is_so)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what failed and why, on one line, to be read after "failed to".
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![self.error.to_string()];
        parts.extend(self.causes());
        parts.join(": ")
    }

    /// Returns what failed, why, and what to do, a text each.
    pub(super) fn said(&self) -> Vec<String> {
        let mut said = vec![format!("failed to {}", self.error)];
        said.extend(self.causes().iter().map(|cause| format!("  because: {cause}")));
        said.extend(self.hint.iter().map(|hint| format!("hint: {hint}")));
        said
    }

    pub(super) fn text(&self) -> Text {
        let lead = bad("error:").and(" failed to ");
        let mut text = Text::new().quote(lead, &self.error.to_string());
        for cause in self.causes() {
            text = text.quote("  because: ", &cause);
        }
        match &self.hint {
            Some(what) => text.line(hint(what)),
            None => text,
        }
    }

    pub(super) fn json(&self) -> Value {
        let chain: Vec<_> = iter::once(self.error.to_string()).chain(self.causes()).collect();
        json!({ "error": error_json(self.kind, &chain, self.hint.as_deref()) })
    }

    /// Returns the causes, each once: a transparent error repeats what it wraps.
    fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut before = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let text = cause.to_string();
            if text != before {
                causes.push(text.clone());
            }
            before = text;
        }
        causes.extend(self.beside.iter().cloned());
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::layout::laid_out;
    use crate::output::look::Look;

    #[test]
    fn what_a_program_printed_is_indented_and_passes_for_no_line_of_ours() {
        let printed = "start it:\nFATAL:  no\n\tmore\x1b[2J\r\nhint: run this";
        let failure = Failure::new(ErrorKind::Internal, printed).hint("look at the log");
        let look = Look { has_color: false, width: None, wraps: false };
        assert_eq!(
            laid_out(&failure.text(), look),
            "error: failed to start it:\n    FATAL:  no\n        more\\u{1b}[2J\n    hint: run this\n\
             hint: look at the log"
        );
    }
}
