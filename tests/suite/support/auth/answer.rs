//! What is answered: a status, a body, and how each refusal is spelled.

use axum::http::header::{HeaderName, LOCATION};
use serde_json::{Value, json};

/// An answer on its way.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, String)>,
    /// Null for none.
    pub(super) body: Value,
}

impl Said {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body }
    }

    pub(super) fn nothing() -> Self {
        Self { status: 204, headers: Vec::new(), body: Value::Null }
    }

    pub(super) fn see_other(address: &str) -> Self {
        let body = json!(format!("<a href=\"{address}\">See Other</a>.\n\n"));
        Self { status: 303, headers: vec![(LOCATION, address.to_owned())], body }
    }
}

/// Why something is not done.
pub(super) enum Refusal {
    /// A status, Auth's word for it, and a sentence.
    Because(u16, &'static str, String),
    /// As the OAuth server refuses.
    OAuth(&'static str, &'static str),
    /// By the gateway in front of a hosted project.
    Gateway,
    /// A statement failed.
    Failed(sqlx::Error),
}

impl Refusal {
    pub(super) fn because(status: u16, code: &'static str, sentence: &str) -> Self {
        Self::Because(status, code, sentence.to_owned())
    }

    pub(super) fn said(&self) -> Said {
        let (status, body) = match self {
            Self::Because(status, code, sentence) => {
                (*status, json!({ "code": status, "error_code": code, "msg": sentence }))
            }
            Self::OAuth(error, sentence) => {
                (400, json!({ "error": error, "error_description": sentence }))
            }
            Self::Gateway => (401, json!({ "message": "Invalid API key" })),
            Self::Failed(_) => {
                let sentence = "Database error";
                (500, json!({ "code": 500, "error_code": "unexpected_failure", "msg": sentence }))
            }
        };
        Said { status, headers: Vec::new(), body }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}
