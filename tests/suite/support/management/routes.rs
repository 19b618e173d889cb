//! The operations: what each does to the state, and what it says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shares;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::document::Matched;
use super::projects::{change, create, delete, detailed, health, page, random_letters};
use super::state::{Asked, Fault, FaultKind};
use super::ways::{amend, keys, regions, restrictions, restrictions_by_family};
use super::{Shared, TOKEN};

pub(super) type Answer = (u16, Value);

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(
    Shares(shared): Shares<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response<Body> {
    let body: Value = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap_or(json!({ "malformed": true }))
    };
    if uri.path().starts_with("/_fake/") {
        return plain(&control(&shared, &method, uri.path(), &body));
    }
    let query = uri.query().unwrap_or_default();
    let Some(matched) = shared.document.find(method.as_str(), uri.path(), query) else {
        let message = format!("Cannot {method} {}", uri.path());
        // What the document's excerpt leaves out, the fake does not serve; that is nobody's fault.
        let served = if uri.path().starts_with("/v1/") { 501 } else { 404 };
        return plain(&(served, json!({ "message": message })));
    };
    let operation = matched.operation.name.clone();
    let scope = matched.path.get("ref").or_else(|| matched.path.get("slug")).cloned();
    let scope = scope.unwrap_or_default();
    let (fault, counted) = {
        let mut state = shared.state();
        (state.fault(&operation), state.count(&operation, &scope))
    };
    if let Some(Fault { kind: FaultKind::Slow { ms }, acts: false, .. }) = &fault {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
    }
    let is_faulty = |fault: &Option<Fault>| {
        fault.as_ref().is_some_and(|fault| !matches!(fault.kind, FaultKind::Slow { .. }))
    };
    let refused = if is_authorized(&headers) { None } else { Some(message(401, "Unauthorized")) };
    let throttled = counted.is_err();
    let refused = refused
        .or_else(|| throttled.then(|| message(429, "ThrottlerException: Too Many Requests")));
    let answer = match refused {
        Some(refused) => refused,
        None if is_faulty(&fault) && !fault.as_ref().is_some_and(|fault| fault.acts) => {
            (0, Value::Null)
        }
        None => {
            let complaints = matched.complaints(&body);
            if complaints.is_empty() {
                act(&shared, &matched, &body).await
            } else {
                message(400, &complaints.join(","))
            }
        }
    };
    // Slow and acting: what was asked for is done at once, and told late.
    if let Some(Fault { kind: FaultKind::Slow { ms }, acts: true, .. }) = &fault {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
    }
    let fault = fault.filter(|_| is_authorized(&headers) && !throttled);
    finish(&shared, &matched, &uri, body, answer, fault, counted)
}

fn finish(
    shared: &Shared,
    matched: &Matched<'_>,
    uri: &Uri,
    body: Value,
    answer: Answer,
    fault: Option<Fault>,
    counted: Result<(u32, u64), u64>,
) -> Response<Body> {
    let limit = shared.state().settings.calls_a_minute;
    let (left, reset) = counted.unwrap_or_else(|reset| (0, reset));
    let mut response = Response::builder()
        .header("x-ratelimit-limit", limit)
        .header("x-ratelimit-remaining", left)
        .header("x-ratelimit-reset", reset);
    let asked = |status| Asked {
        operation: matched.operation.name.clone(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        body,
        status,
        at_ms: started().elapsed().as_millis().try_into().unwrap(),
    };
    let json_type = "application/json; charset=utf-8";
    match fault.map(|fault| fault.kind) {
        Some(FaultKind::Lost) => {
            shared.state().journal.push(asked(0));
            let broken =
                futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
            response = response.status(StatusCode::CREATED).header("content-length", 4096);
            response.body(Body::from_stream(broken)).unwrap()
        }
        Some(FaultKind::Status { status, message: said, text, retry_after, reset }) => {
            shared.state().journal.push(asked(status));
            if let Some(wait) = retry_after {
                response = response.header("retry-after", wait);
            }
            let mut response = response.status(status);
            if let Some(reset) = reset {
                response.headers_mut().unwrap().insert("x-ratelimit-reset", reset.parse().unwrap());
            }
            let said = said.unwrap_or_else(|| "Internal Server Error".to_owned());
            let (kind, body) = match text {
                Some(text) => ("text/plain", text),
                None => (json_type, json!({ "message": said }).to_string()),
            };
            response.header("content-type", kind).body(body.into()).unwrap()
        }
        Some(FaultKind::Answer { body }) => {
            shared.state().journal.push(asked(200));
            response.header("content-type", json_type).body(body.to_string().into()).unwrap()
        }
        Some(FaultKind::Slow { .. }) | None => {
            let (status, value) = answer;
            let mut state = shared.state();
            state.journal.push(asked(status));
            let objections = matched.objections(status, &value);
            state.violations.extend(objections);
            response
                .status(status)
                .header("content-type", json_type)
                .body(value.to_string().into())
                .unwrap()
        }
    }
}

/// Returns when the first fake of the process was asked something.
fn started() -> Instant {
    static STARTED: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *STARTED.get_or_init(Instant::now)
}

fn plain((status, value): &Answer) -> Response<Body> {
    Response::builder()
        .status(*status)
        .header("content-type", "application/json; charset=utf-8")
        .body(value.to_string().into())
        .unwrap()
}

pub(super) fn message(status: u16, text: &str) -> Answer {
    (status, json!({ "message": text }))
}

fn is_authorized(headers: &HeaderMap) -> bool {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given == format!("Bearer {TOKEN}"))
}

/// What whoever serves the fake by hand may ask of it.
fn control(shared: &Shared, method: &Method, path: &str, body: &Value) -> Answer {
    let mut state = shared.state();
    match (method.as_str(), path) {
        ("POST", "/_fake/faults") => match serde_json::from_value(body.clone()) {
            Ok(fault) => {
                state.faults.push(fault);
                (200, json!(state.faults))
            }
            Err(error) => message(400, &error.to_string()),
        },
        ("DELETE", "/_fake/faults") => {
            state.faults.clear();
            (200, json!([]))
        }
        ("PATCH", "/_fake/settings") => match state.set(body) {
            Ok(()) => (200, json!(state.settings)),
            Err(error) => message(400, &error),
        },
        ("GET", "/_fake/settings") => (200, json!(state.settings)),
        ("GET", "/_fake/journal") => (200, json!(state.journal)),
        ("GET", "/_fake/violations") => (200, json!(state.violations)),
        _ => message(404, "the fake has faults, settings, journal and violations"),
    }
}

async fn act(shared: &Arc<Shared>, matched: &Matched<'_>, body: &Value) -> Answer {
    let (path, query) = (&matched.path, &matched.query);
    let name = matched.operation.name.as_str();
    if let Some(reference) = path.get("ref") {
        return match look(shared, reference) {
            Err(answer) => answer,
            Ok(status) => with_project(shared, name, reference, &status, query, body).await,
        };
    }
    match name {
        "GET /v1/organizations" => {
            let state = shared.state();
            let one =
                |(slug, name): &(String, String)| json!({"id": slug, "slug": slug, "name": name});
            (200, state.organizations.iter().map(one).collect())
        }
        "GET /v1/organizations/{slug}" => {
            let state = shared.state();
            match state.organizations.iter().find(|(slug, _)| *slug == path["slug"]) {
                None => message(404, "Organization not found"),
                Some((slug, name)) => (
                    200,
                    json!({"id": slug, "name": name, "plan": "pro", "opt_in_tags": [],
                        "allowed_release_channels": ["ga"]}),
                ),
            }
        }
        "GET /v1/organizations/{slug}/projects" => page(shared, &path["slug"], query),
        "GET /v1/projects" => {
            let state = shared.state();
            let there = state.projects.iter().filter(|project| !project.is_removed);
            (200, there.map(|project| detailed(project, &state.settings)).collect())
        }
        "GET /v1/projects/available-regions" => regions(shared),
        "POST /v1/projects" => create(shared, body).await,
        other => message(501, &format!("the fake does not serve {other}")),
    }
}

/// Returns a project's status, or what the API says of one that is not there.
pub(super) fn look(shared: &Shared, reference: &str) -> Result<String, Answer> {
    let state = shared.state();
    match state.projects.iter().find(|project| project.reference == *reference) {
        None => Err(message(404, "Project not found")),
        Some(project) if project.is_removed => Err(message(400, "Resource has been removed")),
        Some(project) => Ok(project.status(&state.settings).to_owned()),
    }
}

async fn with_project(
    shared: &Arc<Shared>,
    operation: &str,
    reference: &str,
    status: &str,
    query: &[(String, String)],
    body: &Value,
) -> Answer {
    let below = operation.replace("/v1/projects/{ref}", "");
    let postgres = shared.postgres_of(reference);
    let needs_database = matches!(
        below.as_str(),
        "POST /cli/login-role" | "POST /database/query" | "PATCH /database/password"
    );
    if needs_database && status != "ACTIVE_HEALTHY" {
        return message(400, "Project must be active and healthy.");
    }
    match below.as_str() {
        "GET " => {
            let state = shared.state();
            let found = state.projects.iter().find(|project| project.reference == reference);
            (200, detailed(found.unwrap(), &state.settings))
        }
        "DELETE " => delete(shared, reference, status).await,
        "GET /health" => health(status, query),
        "POST /pause" => {
            change(shared, reference, |project| project.is_paused = true);
            (200, Value::Null)
        }
        "POST /restore" => {
            change(shared, reference, |project| project.is_paused = false);
            (200, Value::Null)
        }
        "GET /api-keys" => (200, keys(reference, query)),
        "GET /config/database/pooler" => {
            let host = format!("{}.1", shared.network);
            let url =
                format!("postgresql://postgres.{reference}:[YOUR-PASSWORD]@{host}:6543/postgres");
            let pooler = json!({
                "identifier": reference, "database_type": "PRIMARY",
                "db_user": format!("postgres.{reference}"), "db_host": host, "db_port": 6543,
                "db_name": "postgres", "connection_string": url, "connectionString": url,
                "pool_mode": "transaction", "default_pool_size": null, "max_client_conn": null,
                "is_using_scram_auth": true,
            });
            (200, json!([pooler]))
        }
        "POST /cli/login-role" => login_role(shared, reference).await,
        "DELETE /cli/login-role" => {
            postgres.close_login(reference).await;
            message(200, "ok")
        }
        "POST /database/query" => {
            let parameters = body["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            match postgres.query(reference, body["query"].as_str().unwrap(), parameters).await {
                Ok(rows) => (201, rows.into()),
                Err(said) => message(400, &said),
            }
        }
        "PATCH /database/password" => {
            let password = body["password"].as_str().unwrap();
            let role = format!("postgres_{reference}");
            postgres.set_password(&role, password).await;
            message(200, "Successfully updated password")
        }
        "GET /database/backups" => (
            200,
            json!({"region": "eu-central-1", "walg_enabled": true, "pitr_enabled": false,
                "backups": [], "physical_backup_data": {}}),
        ),
        "GET /network-restrictions" => (200, restrictions(shared, reference)),
        "POST /network-restrictions/apply" => {
            let texts = |name: &str| {
                let given = body[name].as_array().into_iter().flatten();
                given.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            let allowed = (texts("dbAllowedCidrs"), texts("dbAllowedCidrsV6"));
            change(shared, reference, |project| project.allowed = allowed);
            (201, restrictions(shared, reference))
        }
        "PATCH /network-restrictions" => {
            change(shared, reference, |project| amend(&mut project.allowed, body));
            (200, restrictions_by_family(shared, reference))
        }
        "POST /network-bans/retrieve" => (201, json!({ "banned_ipv4_addresses": [] })),
        other => message(501, &format!("the fake does not serve {other} of a project")),
    }
}

async fn login_role(shared: &Shared, reference: &str) -> Answer {
    let password = random_letters(32);
    if shared.state().settings.refuses_login_roles {
        let said = format!(
            "Failed to create login role: ERROR:  42501: permission denied to alter role\n\
             DETAIL:  Only roles with the CREATEROLE attribute and the ADMIN option on role \
             \"cli_login_postgres\" may alter this role.\nSTATEMENT:  alter role \
             \"cli_login_postgres\" with login password '{password}'"
        );
        return message(400, &said);
    }
    let ttl = 300;
    let role = format!("cli_login_{reference}");
    shared.postgres_of(reference).set_password_for(&role, &password, ttl).await;
    (201, json!({ "role": "cli_login_postgres", "password": password, "ttl_seconds": ttl }))
}
