//! What Auth's admin API can refuse.

use serde::Deserialize;

use crate::adapters::http::{Answer, HttpError};
use crate::model::{Classified, ErrorKind, redact};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthAdminError {
    #[error("{doing}")]
    NoAnswer {
        doing: &'static str,
        #[source]
        source: HttpError,
    },
    #[error("{doing}: it answers {status}, {said}")]
    Refused {
        doing: &'static str,
        status: u16,
        /// Its error code, else its text.
        said: String,
    },
    /// The answer is not a user, or no list of them.
    #[error("{doing}: its answer is of an unknown shape")]
    Shape { doing: &'static str },
}

/// A refusal's body in both shapes: with API version 2024-01-01 the word moved from `error_code` to
/// `code` (supabase/auth `internal/api/errors.go`, read 2026-11).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: serde_json::Value,
    error_code: Option<String>,
}

impl AuthAdminError {
    pub(super) fn refused(doing: &'static str, answer: &Answer) -> Self {
        let code = Self::supabase_code(answer);
        let said = if code.is_empty() { answer.text() } else { format!("`{code}`") };
        Self::Refused { doing, status: answer.status.as_u16(), said }
    }

    /// Returns whether the answer was longer than what is read of one.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::NoAnswer { source: HttpError::TooLarge { .. }, .. })
    }

    /// Returns the error code, such as `user_not_found`. Texts and statuses do not identify an
    /// error (supabase/auth `openapi.yaml`, read 2026-11).
    pub(super) fn supabase_code(answer: &Answer) -> String {
        let refusal: Refusal = answer.json().unwrap_or_default();
        let word = refusal.error_code.or_else(|| refusal.code.as_str().map(str::to_owned));
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_code = |word: &String| word.len() <= 60 && word.chars().all(is_word);
        // Whoever answers in Auth's place may repeat the key.
        word.filter(|word| is_code(word) && redact(word) == **word).unwrap_or_default()
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
