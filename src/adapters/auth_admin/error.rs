//! What Auth's admin API can refuse.

use serde::Deserialize;

use crate::adapters::http::{Answer, HttpError};
use crate::model::{Classified, ErrorKind};

/// Why Auth did not do something.
#[derive(Debug, thiserror::Error)]
pub enum AuthAdminError {
    /// No answer came.
    #[error("{doing}")]
    NoAnswer {
        /// What was wanted.
        doing: &'static str,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// It answered that it will not.
    #[error("{doing}: it answers {status}, {said}")]
    Refused {
        /// What was wanted.
        doing: &'static str,
        /// The status.
        status: u16,
        /// Its code for that, else its text.
        said: String,
    },
    /// The answer is no user.
    #[error("{doing}: its answer is of an unknown shape")]
    Shape {
        /// What was wanted.
        doing: &'static str,
    },
}

/// Both of its shapes: the number and the word changed places with an API version.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: serde_json::Value,
    error_code: Option<String>,
}

impl AuthAdminError {
    pub(super) fn refused(doing: &'static str, answer: &Answer) -> Self {
        let code = Self::code(answer);
        let said = if code.is_empty() { answer.text() } else { format!("`{code}`") };
        Self::Refused { doing, status: answer.status.as_u16(), said }
    }

    /// Returns the word by which it names the refusal; texts and statuses are no reliable sign
    /// (supabase/auth `openapi.yaml`, read 2026-11).
    pub(super) fn code(answer: &Answer) -> String {
        let refusal: Refusal = answer.json().unwrap_or_default();
        let word = refusal.error_code.or_else(|| refusal.code.as_str().map(str::to_owned));
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        word.filter(|word| word.len() <= 60 && word.chars().all(is_word)).unwrap_or_default()
    }
}

impl Classified for AuthAdminError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoAnswer { source, .. } => source.kind(),
            Self::Refused { status: 401 | 403, .. } => ErrorKind::Denied,
            Self::Refused { status: 408 | 429 | 500.., .. } => ErrorKind::Unavailable,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Shape { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoAnswer { source, .. } => source.hint(),
            Self::Refused { status: 401 | 403, .. } => Some(
                "set TENANTCTL_AUTH_SERVICE_KEY or its file to the project's secret key".to_owned(),
            ),
            Self::Refused { .. } | Self::Shape { .. } => None,
        }
    }
}
