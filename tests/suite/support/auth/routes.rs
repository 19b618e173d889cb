//! Which route a request means, and its answer on the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::{Refusal, Said};
use super::server::Shared;
use super::{account, admin, factors, oauth, proofs, sign_in};
use crate::support::mint::published;

/// A request.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) bearer: Option<String>,
    pub(super) api_key: Option<String>,
    /// A form's fields are an object of texts.
    pub(super) body: Value,
}

impl Asked {
    /// Returns a text of the body, nothing when it is not there.
    pub(super) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_default()
    }

    /// Returns a parameter of the query, nothing when it is not there.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/auth/v1").unwrap_or_default();
    let asked = read(&method, &uri, &headers, &body);
    let answered = match fault(&shared, &asked, path) {
        Some(said) => Ok(said),
        None => route(&shared, &asked, path).await,
    };
    let said = answered.unwrap_or_else(|refusal| {
        if let Refusal::Failed(error) = &refusal {
            shared.state().failures.push(format!("{method} {path}: {error:?}"));
        }
        refusal.said()
    });
    compare(&shared, &asked, &uri, path, &said);
    wire(said)
}

fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Asked {
    let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
    let body = if of("content-type") == Some("application/x-www-form-urlencoded") {
        let fields: BTreeMap<String, String> = pairs(body);
        json!(fields)
    } else {
        serde_json::from_slice(body).unwrap_or_default()
    };
    Asked {
        method: method.to_string(),
        query: pairs(uri.query().unwrap_or_default().as_bytes()),
        bearer: of("authorization").and_then(|v| v.strip_prefix("Bearer ")).map(str::to_owned),
        api_key: of("apikey").map(str::to_owned),
        body,
    }
}

async fn route(shared: &Shared, asked: &Asked, path: &str) -> Result<Said, Refusal> {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    match (&*asked.method, &*parts) {
        ("POST", ["signup"]) => sign_in::sign_up(shared, asked).await,
        ("POST", ["token"]) => match asked.parameter("grant_type") {
            "password" => sign_in::by_password(shared, asked).await,
            "refresh_token" => sign_in::refresh(shared, asked).await,
            _ => proofs::exchange(shared, asked).await,
        },
        ("POST", ["otp"]) => proofs::one_time_password(shared, asked).await,
        ("GET", ["verify"]) => proofs::follow(shared, asked).await,
        ("POST", ["verify"]) => proofs::verify(shared, asked).await,
        ("GET", ["user"]) => account::show(shared, asked).await,
        ("PUT", ["user"]) => account::change(shared, asked).await,
        ("POST", ["logout"]) => account::sign_out(shared, asked).await,
        ("POST", ["factors"]) => factors::enrol(shared, asked).await,
        ("POST", ["factors", id, "challenge"]) => factors::challenge(shared, asked, id).await,
        ("POST", ["factors", id, "verify"]) => factors::verify(shared, asked, id).await,
        ("POST", ["oauth", "clients", "register"]) => oauth::register(shared, asked).await,
        ("POST", ["oauth", "token"]) => oauth::token(shared, asked).await,
        (_, ["admin", rest @ ..]) => admin::answer(shared, asked, rest).await,
        ("GET", [".well-known", "jwks.json"]) => {
            let keys = published(&[shared.signer.jwk()]);
            Ok(Said::ok(serde_json::from_str(&keys).unwrap()))
        }
        _ => {
            shared.state().wrong.push(format!("nobody may ask {} {path}", asked.method));
            Err(Refusal::because(404, "not_found", "no such route"))
        }
    }
}

/// Notes what a client of the admin API asked for, who came by the gateway, and returns the refusal
/// that a test wants for it.
fn fault(shared: &Shared, asked: &Asked, path: &str) -> Option<Said> {
    asked.api_key.as_ref()?;
    let mut state = shared.state();
    state.asked.push((asked.method.clone(), path.to_owned()));
    let status = state.faults.pop()?;
    let word = "over_request_rate_limit";
    let body = json!({ "code": status, "error_code": word, "msg": "refused" });
    Some(Said { status, headers: Vec::new(), body })
}

/// Holds an exchange of the admin API's users against the published document.
fn compare(shared: &Shared, asked: &Asked, uri: &Uri, path: &str, said: &Said) {
    if !path.starts_with("/admin/users") {
        return;
    }
    let query = uri.query().unwrap_or_default();
    let Some(found) = shared.document.find(&asked.method, path, query) else {
        shared.state().wrong.push(format!("nobody may ask {} {path}", asked.method));
        return;
    };
    let mut wrong =
        if asked.method == "DELETE" { Vec::new() } else { found.complaints(&asked.body) };
    wrong.extend(found.objections(said.status, &said.body));
    shared.state().wrong.extend(wrong);
}

fn wire(said: Said) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(said.status).unwrap());
    let (kind, body) = match said.body {
        Value::Null => (None, String::new()),
        Value::String(text) => (Some("text/html; charset=utf-8"), text),
        other => (Some("application/json"), other.to_string()),
    };
    if let Some(kind) = kind {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
