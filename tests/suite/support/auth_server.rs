//! The two admin routes of Supabase Auth that we use: holds users and their bans, and is checked
//! against the published document, as is whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::listener::Listener;
use super::management::document::Document;

const TEXT: &str = include_str!("../../data/auth-admin.openapi.json");

/// The key it is entered with.
pub(crate) const KEY: &str = "sb_secret_canary-service-key-5d1e";

/// An Auth server on this machine; gone when dropped.
pub(crate) struct AuthServer {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    document: Document,
    state: Mutex<Knows>,
}

#[derive(Default)]
struct Knows {
    /// Until when each user is banned.
    users: BTreeMap<String, Option<OffsetDateTime>>,
    /// What was asked: method and user.
    asked: Vec<(String, String)>,
    /// What nobody should have asked or answered.
    wrong: Vec<String>,
    /// Statuses of the next answers.
    faults: Vec<u16>,
}

impl AuthServer {
    /// Starts a server that knows these users, none of them banned.
    pub(crate) fn with_users(users: &[&str]) -> Self {
        let users = users.iter().map(|user| ((*user).to_owned(), None)).collect();
        let state = Mutex::new(Knows { users, ..Knows::default() });
        let shared = Arc::new(Shared { document: Document::of(TEXT), state });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { listener: Listener::serve(router), shared }
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> String {
        format!("{}/auth/v1", self.listener.url())
    }

    /// Returns for how many days from now a user is banned; 0 for not at all.
    pub(crate) fn days_banned(&self, user: &str) -> i64 {
        let until = self.shared.state.lock().unwrap().users[user];
        until.map_or(0, |until| ((until - now()).whole_hours() + 12) / 24)
    }

    /// Bans a user behind everybody's back.
    pub(crate) fn ban(&self, user: &str, days: i64) {
        let until = Some(now() + Duration::days(days));
        self.shared.state.lock().unwrap().users.insert(user.to_owned(), until);
    }

    /// Makes the next answers refusals with these statuses.
    pub(crate) fn fail(&self, statuses: &[u16]) {
        self.shared.state.lock().unwrap().faults.extend(statuses.iter().rev());
    }

    /// Returns how often a method was used.
    pub(crate) fn asked(&self, method: &str) -> usize {
        let state = self.shared.state.lock().unwrap();
        state.asked.iter().filter(|(asked, _)| asked == method).count()
    }

    /// Asserts that every request and every answer was as published.
    #[track_caller]
    pub(crate) fn assert_true_to_the_document(&self) {
        assert_eq!(self.shared.state.lock().unwrap().wrong, Vec::<String>::new());
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/auth/v1").unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut state = shared.state.lock().unwrap();
    let Some(found) = shared.document.find(method.as_str(), path, uri.query().unwrap_or("")) else {
        state.wrong.push(format!("nobody may ask {method} {path}"));
        return StatusCode::NOT_FOUND.into_response();
    };
    if method == Method::PUT {
        state.wrong.extend(found.complaints(&body));
    }
    let user = found.path["userId"].clone();
    state.asked.push((method.to_string(), user.clone()));
    let (status, said) = if let Some(status) = state.faults.pop() {
        (status, refusal(status, "over_request_rate_limit"))
    } else {
        decide(&mut state, &headers, &method, &user, &body)
    };
    state.wrong.extend(found.objections(status, &said));
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), kind, said.to_string()).into_response()
}

/// As `internal/api/auth.go` and `admin.go` of supabase/auth decide.
fn decide(
    state: &mut Knows,
    headers: &HeaderMap,
    method: &Method,
    user: &str,
    body: &Value,
) -> (u16, Value) {
    let of = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
    if of("apikey") != KEY {
        return (401, json!({ "message": "Invalid API key" }));
    }
    if of("authorization") != format!("Bearer {KEY}") {
        return (403, refusal(403, "not_admin"));
    }
    let Some(until) = state.users.get_mut(user) else {
        return (404, refusal(404, "user_not_found"));
    };
    if method == Method::PUT {
        let text = body["ban_duration"].as_str().unwrap_or_default();
        *until = match (text, text.split_at_checked(text.len().saturating_sub(1))) {
            ("none", _) => None,
            (_, Some((number, unit @ ("h" | "m" | "s")))) if number.parse::<i64>().is_ok() => {
                let seconds = match unit {
                    "h" => 3600,
                    "m" => 60,
                    _ => 1,
                };
                Some(now() + Duration::seconds(number.parse::<i64>().unwrap() * seconds))
            }
            _ => return (400, refusal(400, "validation_failed")),
        };
    }
    let mut said = json!({ "id": user, "aud": "authenticated", "role": "authenticated",
        "email": "someone@example.com", "app_metadata": {}, "user_metadata": {}, "identities": [],
        "created_at": "2026-01-01T00:00:00Z", "is_anonymous": false });
    if let Some(until) = until {
        said["banned_until"] = json!(until.format(&Rfc3339).unwrap());
    }
    (200, said)
}

fn refusal(code: u16, word: &str) -> Value {
    json!({ "code": code, "error_code": word, "msg": "refused" })
}

#[expect(clippy::disallowed_methods, reason = "Auth's own clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
