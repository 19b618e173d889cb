//! The operations: what each does to the state, and what it says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shares;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::document::Matched;
use super::state::{Asked, Fault, FaultKind, Project};
use super::wire::{self, Passage, Route};
use super::{Shared, TOKEN};

type Answer = (u16, Value);

const REGIONS: [(&str, &str); 5] = [
    ("eu-central-1", "Central EU (Frankfurt)"),
    ("eu-west-1", "West EU (Ireland)"),
    ("us-east-1", "East US (North Virginia)"),
    ("ap-south-1", "South Asia (Mumbai)"),
    ("ap-southeast-1", "Southeast Asia (Singapore)"),
];

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
        return plain(&(404, json!({ "message": message })));
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

fn message(status: u16, text: &str) -> Answer {
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
fn look(shared: &Shared, reference: &str) -> Result<String, Answer> {
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
    let postgres = &shared.postgres;
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
            postgres.run("postgres", &format!("ALTER ROLE cli_login_{reference} NOLOGIN")).await;
            message(200, "ok")
        }
        "POST /database/query" => {
            match postgres.query(reference, body["query"].as_str().unwrap()).await {
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
    shared.postgres.set_password_for(&role, &password, ttl).await;
    (201, json!({ "role": "cli_login_postgres", "password": password, "ttl_seconds": ttl }))
}

fn change(shared: &Shared, reference: &str, how: impl FnOnce(&mut Project)) {
    let mut state = shared.state();
    how(state.projects.iter_mut().find(|project| project.reference == reference).unwrap());
}

async fn create(shared: &Arc<Shared>, body: &Value) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (name, organization) = (text("name"), text("organization_slug"));
    let region = match (&body["region"], &body["region_selection"]) {
        (Value::String(code), Value::Null) => code.clone(),
        (Value::Null, Value::Object(chosen)) => match chosen["code"].as_str().unwrap() {
            "emea" => "eu-central-1".to_owned(),
            "americas" => "us-east-1".to_owned(),
            "apac" => "ap-south-1".to_owned(),
            code => code.to_owned(),
        },
        (Value::Null, Value::Null) => "us-east-1".to_owned(),
        _ => return message(400, "Only one of region or region_selection can be specified"),
    };
    let refusal = {
        let state = shared.state();
        let there = || state.projects.iter().filter(|project| !project.is_removed);
        let settings = &state.settings;
        if !state.organizations.iter().any(|(slug, _)| *slug == organization) {
            Some(message(404, "Organization not found"))
        } else if name.contains('.') {
            Some(message(400, "name should not contain a . string"))
        } else if text("db_pass").len() < 4 {
            Some(message(400, "db_pass must be longer than or equal to 4 characters"))
        } else if there().any(|p| p.name == name && p.organization == organization) {
            let said = format!("Project {name} already exists in your organization.");
            Some(message(settings.name_taken_status, &said))
        } else if settings.full_regions.contains(&region) {
            Some(message(400, "Project creation in this region is at capacity"))
        } else if settings.project_limit.is_some_and(|limit| there().count() >= limit) {
            Some(message(
                400,
                "The following organization members have reached their maximum limits for the \
                 number of active free projects within organizations where they are an \
                 administrator or owner: owner (2 project limit).",
            ))
        } else {
            None
        }
    };
    if let Some(refusal) = refusal {
        return refusal;
    }
    let password = text("db_pass");
    let reference = make_project(shared, &name, &organization, &region, &password, false).await;
    (
        201,
        json!({
            "id": reference, "ref": reference, "organization_id": organization,
            "organization_slug": organization, "name": name, "region": region,
            "created_at": "2026-11-24T12:00:00Z", "status": "UNKNOWN",
        }),
    )
}

/// Makes a project, its database and its addresses; returns its ref.
pub(super) async fn make_project(
    shared: &Arc<Shared>,
    name: &str,
    organization: &str,
    region: &str,
    password: &str,
    is_old: bool,
) -> String {
    let mut project = bare_project(name, organization);
    region.clone_into(&mut project.region);
    let reference = project.reference.clone();
    // Known before its database is there: two creates of one name must not both pass.
    let hides_direct_host = {
        let mut state = shared.state();
        let number = state.projects.len() % 250 + 2;
        project.address = format!("{}.{number}", shared.network);
        project.is_stuck = state.settings.is_stuck;
        project.fate = state.settings.fate.clone();
        project.not_ready = state.settings.not_ready_for_deletion;
        if !is_old {
            project.born = Instant::now();
        }
        state.projects.push(project);
        state.settings.hides_direct_host
    };
    shared.postgres.create_project(&reference, password).await;
    if !hides_direct_host {
        let address = {
            let state = shared.state();
            state.projects.iter().find(|p| p.reference == reference).unwrap().address.clone()
        };
        let listener = TcpListener::bind((address, 5432)).await.unwrap();
        let route = direct_route(shared, &reference);
        let task = wire::serve(listener, shared.postgres.socket(), shared.tls(), route);
        let door = shared.tasks.lock().unwrap().spawn(task);
        change(shared, &reference, |project| project.doors.push(door));
    }
    reference
}

/// Returns a project that is only a name, and has been there for long.
pub(super) fn bare_project(name: &str, organization: &str) -> Project {
    Project {
        reference: random_letters(20),
        name: name.to_owned(),
        organization: organization.to_owned(),
        region: "eu-central-1".to_owned(),
        address: "127.0.0.1".to_owned(),
        born: Instant::now().checked_sub(Duration::from_hours(1)).unwrap_or_else(Instant::now),
        is_stuck: false,
        fate: None,
        is_removed: false,
        is_paused: false,
        not_ready: 0,
        allowed: (vec!["0.0.0.0/0".to_owned()], vec!["::/0".to_owned()]),
        doors: Vec::new(),
    }
}

async fn delete(shared: &Arc<Shared>, reference: &str, status: &str) -> Answer {
    let (name, is_ready) = {
        let mut state = shared.state();
        let found = state.projects.iter_mut().find(|project| project.reference == reference);
        let project = found.unwrap();
        let is_ready = status != "COMING_UP" || project.not_ready == 0;
        project.not_ready = project.not_ready.saturating_sub(1);
        if is_ready {
            project.is_removed = true;
            project.close();
        }
        (project.name.clone(), is_ready)
    };
    if !is_ready {
        return message(400, "Project not ready for deletion.");
    }
    shared.postgres.drop_project(reference).await;
    (200, json!({ "id": 711_274, "ref": reference, "name": name, "slug": reference }))
}

fn health(status: &str, query: &[(String, String)]) -> Answer {
    let one = |service: &str| match status {
        "ACTIVE_HEALTHY" => json!({ "name": service, "healthy": true, "status": "ACTIVE_HEALTHY" }),
        "COMING_UP" if service == "pooler" => json!({
            "name": service, "healthy": false, "status": "UNHEALTHY",
            "error": "{\"error\":\"not found\"}",
        }),
        _ => json!({ "name": service, "healthy": false, "status": "COMING_UP" }),
    };
    let services = query.iter().filter(|(name, _)| name == "services");
    (200, services.map(|(_, service)| one(service)).collect())
}

fn page(shared: &Shared, slug: &str, query: &[(String, String)]) -> Answer {
    let given: HashMap<_, _> = query.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let number = |name: &str, default: usize| {
        given.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (offset, limit) = (number("offset", 0), number("limit", 100));
    let search = given.get("search").map(|text| text.to_lowercase()).unwrap_or_default();
    let state = shared.state();
    let lag = Duration::from_millis(state.settings.list_lag_ms);
    let mut found: Vec<_> = state
        .projects
        .iter()
        .filter(|p| !p.is_removed && p.organization == slug && p.born.elapsed() >= lag)
        .filter(|p| p.name.to_lowercase().contains(&search))
        .collect();
    match given.get("sort").copied().unwrap_or("name_asc") {
        "name_asc" => found.sort_by(|a, b| a.name.cmp(&b.name)),
        "name_desc" => found.sort_by(|a, b| b.name.cmp(&a.name)),
        "created_desc" => found.reverse(),
        _ => {}
    }
    let count = found.len();
    let listed = |project: &&Project| {
        let status = project.status(&state.settings);
        let of_database = match status {
            "INACTIVE" | "PAUSING" | "UPGRADING" | "RESTORE_FAILED" | "PAUSE_FAILED" => "UNKNOWN",
            other => other,
        };
        json!({
            "ref": project.reference, "name": project.name, "cloud_provider": "AWS",
            "region": project.region, "is_branch": false, "status": status,
            "inserted_at": "2026-11-24T12:00:00Z",
            "databases": [{
                "region": project.region, "status": of_database, "cloud_provider": "AWS",
                "identifier": project.reference, "type": "PRIMARY", "infra_compute_size": "micro",
            }],
        })
    };
    let projects: Vec<_> = found.iter().skip(offset).take(limit).map(listed).collect();
    let pagination = json!({ "count": count, "limit": limit, "offset": offset });
    (200, json!({ "projects": projects, "pagination": pagination }))
}

fn detailed(project: &Project, settings: &super::state::Settings) -> Value {
    json!({
        "id": project.reference, "ref": project.reference,
        "organization_id": project.organization, "organization_slug": project.organization,
        "name": project.name, "region": project.region, "status": project.status(settings),
        "created_at": "2026-11-24T12:00:00Z",
        "database": {
            "host": project.address, "version": "17.6.1.111", "postgres_engine": "17",
            "release_channel": "ga",
        },
    })
}

fn regions(shared: &Shared) -> Answer {
    let state = shared.state();
    let specific = |(code, name): &(&str, &str)| {
        let mut region = json!({
            "name": name, "code": code, "type": "specific", "provider": "AWS",
        });
        if state.settings.full_regions.iter().any(|full| full == code) {
            region["status"] = json!("capacity");
        }
        region
    };
    let all: Vec<_> = REGIONS.iter().map(specific).collect();
    let group =
        |code: &str, name: &str| json!({ "name": name, "code": code, "type": "smartGroup" });
    let groups = [group("americas", "Americas"), group("emea", "Europe"), group("apac", "Asia")];
    (
        200,
        json!({
            "recommendations": { "smartGroup": groups[1], "specific": [all[0]] },
            "all": { "smartGroup": groups, "specific": all },
        }),
    )
}

fn keys(reference: &str, query: &[(String, String)]) -> Value {
    let reveals = query.iter().any(|(name, value)| name == "reveal" && value == "true");
    let jwt = |role: &str| format!("eyJhbGciOiJIUzI1NiJ9.{reference}.{role}");
    let secret = if reveals {
        format!("sb_secret_{reference}")
    } else {
        format!("sb_secret_abcde{}", "\u{b7}".repeat(26))
    };
    json!([
        { "name": "anon", "id": "anon", "type": "legacy", "api_key": jwt("anon"),
          "hash": "h", "prefix": "tbn2D", "description": "Legacy anon API key" },
        { "name": "service_role", "id": "service_role", "type": "legacy",
          "api_key": jwt("service_role"), "hash": "h", "prefix": "OxwOz",
          "description": "Legacy service_role API key" },
        { "name": "default", "id": "0f7a1c5e-0000-4000-8000-000000000001", "type": "publishable",
          "api_key": format!("sb_publishable_{reference}"), "prefix": "sb_publishable_",
          "hash": "h", "description": null, "secret_jwt_template": null },
        { "name": "default", "id": "0f7a1c5e-0000-4000-8000-000000000002", "type": "secret",
          "api_key": secret, "prefix": "sb_secret_abcde", "hash": "h", "description": null,
          "secret_jwt_template": { "role": "service_role" } },
    ])
}

fn restrictions(shared: &Shared, reference: &str) -> Value {
    let state = shared.state();
    let project = state.projects.iter().find(|p| p.reference == reference).unwrap();
    json!({
        "entitlement": "allowed", "status": "applied",
        "config": { "dbAllowedCidrs": project.allowed.0, "dbAllowedCidrsV6": project.allowed.1 },
    })
}

fn direct_route(shared: &Arc<Shared>, reference: &str) -> Route {
    let (shared, reference) = (Arc::downgrade(shared), reference.to_owned());
    Arc::new(move |user| {
        let gone = || ("57P01".to_owned(), "the fake is gone".to_owned());
        enter(&*shared.upgrade().ok_or_else(gone)?, &reference, user)
    })
}

/// Returns the pooler's way: the role's name ends in the project's ref.
pub(super) fn pooler_route(shared: &Arc<Shared>) -> Route {
    let shared = Arc::downgrade(shared);
    Arc::new(move |login| {
        let gone = || ("57P01".to_owned(), "the fake is gone".to_owned());
        let shared = shared.upgrade().ok_or_else(gone)?;
        let unknown = || {
            let text = format!("(ENOTFOUND) tenant/user {login} not found");
            ("XX000".to_owned(), text)
        };
        let (user, reference) = login.rsplit_once('.').ok_or_else(unknown)?;
        let is_known = shared.state().projects.iter().any(|p| p.reference == reference);
        if is_known { enter(&shared, reference, user) } else { Err(unknown()) }
    })
}

fn enter(shared: &Shared, reference: &str, user: &str) -> Result<Passage, (String, String)> {
    match look(shared, reference) {
        Ok(status) if status == "ACTIVE_HEALTHY" => {
            Ok(Passage { reference: reference.to_owned(), user: user.to_owned() })
        }
        _ => Err(("57P03".to_owned(), "the database system is starting up".to_owned())),
    }
}

fn random_letters(count: usize) -> String {
    let bytes = std::iter::repeat_with(|| uuid::Uuid::new_v4().into_bytes()).flatten();
    // Two bytes of each sixteen are not random.
    let letters = bytes.filter(|byte| *byte < 234).map(|byte| char::from(b'a' + byte % 26));
    letters.take(count).collect()
}
