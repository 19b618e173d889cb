//! The operations on projects: create, look, list and delete.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Shared;
use super::routes::{Answer, message};
use super::state::Project;
use super::ways::direct_route;
use super::wire::{self};

pub(super) fn change(shared: &Shared, reference: &str, how: impl FnOnce(&mut Project)) {
    let mut state = shared.state();
    how(state.projects.iter_mut().find(|project| project.reference == reference).unwrap());
}

pub(super) async fn create(shared: &Arc<Shared>, body: &Value) -> Answer {
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
    let (hides_direct_host, shares_an_image) = {
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
        (state.settings.hides_direct_host, state.settings.shares_an_image)
    };
    if shares_an_image {
        let server = Arc::new(shared.postgres.start_from_image().await);
        server.become_project(&reference, password).await;
        change(shared, &reference, |project| project.server = Some(server));
    } else {
        shared.postgres.create_project(&reference, password).await;
    }
    if !hides_direct_host {
        let address = {
            let state = shared.state();
            state.projects.iter().find(|p| p.reference == reference).unwrap().address.clone()
        };
        let listener = TcpListener::bind((address, 5432)).await.unwrap();
        let route = direct_route(shared, &reference);
        let socket = shared.postgres_of(&reference).socket();
        let task = wire::serve(listener, socket, shared.tls(), route);
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
        server: None,
        doors: Vec::new(),
    }
}

pub(super) async fn delete(shared: &Arc<Shared>, reference: &str, status: &str) -> Answer {
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
    shared.postgres_of(reference).drop_project(reference).await;
    (200, json!({ "id": 711_274, "ref": reference, "name": name, "slug": reference }))
}

pub(super) fn health(status: &str, query: &[(String, String)]) -> Answer {
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

pub(super) fn page(shared: &Shared, slug: &str, query: &[(String, String)]) -> Answer {
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

pub(super) fn detailed(project: &Project, settings: &super::state::Settings) -> Value {
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

pub(super) fn random_letters(count: usize) -> String {
    let bytes = std::iter::repeat_with(|| uuid::Uuid::new_v4().into_bytes()).flatten();
    // Two bytes of each sixteen are not random.
    let letters = bytes.filter(|byte| *byte < 234).map(|byte| char::from(b'a' + byte % 26));
    letters.take(count).collect()
}
