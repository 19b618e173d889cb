//! `tenant create` and `tenant adopt`: a tenant is reserved, and then made step by step.
//!
//! Recovery goes forward: nothing a step has made is destroyed because a later one failed.
//! `tenant delete` is how one gives up.

use std::time::Instant;

use super::super::operation::hold as control;
use super::super::{CreateOutcome, CreatePlan, CreateReport, CreateRequest, Existing, TenantError};
use super::reserve::{self, Opened, Reserved, check_same};
use super::steps::{Creation, Step, steps_of};
use super::survey as adopt;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::{
    DatabaseName, Interrupt, Placement, Tenant, TenantId, TenantStatus, project_name,
};
use crate::services::home::Homes;
use crate::services::saga::{SagaStep, StepEvent, StepProgress, StepReport};

/// The step before the saga.
const RESERVE: (&str, &str) = ("reserve", "Reserve the slug");

/// Returns what creating would do, or what taking in would and what was found there; nothing is
/// changed.
///
/// # Errors
/// When the slug or the place belongs to another tenant, what is to be taken in is not there or may
/// not be, or somebody does not answer.
pub async fn plan(
    plane: &ControlPlane,
    places: &Homes,
    request: &CreateRequest,
) -> Result<CreatePlan, TenantError> {
    let deadline = tokio::time::Instant::now() + request.patience;
    let existing = control_plane::find_live(&mut *plane.session().await?, &request.slug).await?;
    if let Some(tenant) = &existing {
        check_same(tenant, request)?;
    }
    let found = match (&request.adopts, &existing) {
        (Some(wanted), None) => Some(adopt::look(plane, places, request, wanted, deadline).await?),
        _ => None,
    };
    let id = existing.as_ref().map(|tenant| tenant.id).or(request.id);
    let steps = if existing.as_ref().is_some_and(|it| it.status == TenantStatus::Active) {
        Vec::new()
    } else {
        let of = |step: &Step| (step.word(), step.title_in(request));
        std::iter::once(RESERVE).chain(steps_of(request).iter().map(of)).collect()
    };
    let made = |id: TenantId| match request.placement {
        Placement::Database => DatabaseName::of(&request.slug, id).to_string(),
        Placement::Project => project_name(&request.slug, id),
    };
    let (database, project) = match (&request.adopts, request.placement) {
        (Some(Existing::Database(name)), _) => (Some(name.clone()), None),
        (Some(Existing::Project(project)), _) => {
            (Some("postgres".to_owned()), Some(project.to_string()))
        }
        (None, Placement::Database) => (id.map(made), None),
        (None, Placement::Project) => (Some("postgres".to_owned()), id.map(made)),
    };
    let schema = request.migrates.then(|| request.sets.head());
    Ok(CreatePlan { existing, database, project, found, steps, schema })
}

/// Creates a tenant, or continues a creation that was left behind.
///
/// # Errors
/// When the slug is taken by another specification, somebody else works on it, or a step fails;
/// then the operation stays open and the same request continues it.
pub async fn run(
    plane: &ControlPlane,
    places: &Homes,
    request: &CreateRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<CreateReport, TenantError> {
    if request.placement == Placement::Project {
        places.projects()?;
    }
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + request.patience;
    let emit = |progress| on_event(StepEvent { step: RESERVE.0, title: RESERVE.1, progress });
    emit(StepProgress::Started);
    let reserved = match reserve::reserve(plane, places, request, deadline).await {
        Ok(reserved) => reserved,
        Err(error) => {
            emit(StepProgress::Failed);
            return Err(error);
        }
    };
    let (was_there, elapsed) = (!reserved.is_new, started.elapsed());
    let outcome = if was_there { "the slug is this tenant's" } else { "a new tenant" };
    let outcome = format!("{outcome}, {}", reserved.tenant.id);
    emit(StepProgress::Finished { outcome: outcome.clone(), was_there, elapsed });
    let Reserved { tenant, open, is_new } = reserved;
    let Some(Opened { journal, trail, is_continued }) = open else {
        return Ok(report(places, request, tenant, CreateOutcome::AlreadyThere, vec![], started));
    };
    let mut creation = Creation::new(
        (plane, places),
        request,
        &tenant,
        trail.clone(),
        deadline,
        interrupt,
        on_event,
    );
    let act = if request.adopts.is_some() { "adopt" } else { "create" };
    let under = (journal, &trail);
    let (now, mut steps) =
        control::carry_out(&mut creation, act, under, interrupt, on_event).await?;
    steps.insert(0, StepReport { step: RESERVE.0, outcome, was_there, elapsed });
    let outcome = if request.adopts.is_some() {
        CreateOutcome::Adopted
    } else if is_continued || !is_new {
        CreateOutcome::Continued
    } else {
        CreateOutcome::Created
    };
    Ok(report(places, request, now, outcome, steps, started))
}

fn report(
    places: &Homes,
    request: &CreateRequest,
    tenant: Tenant,
    outcome: CreateOutcome,
    steps: Vec<StepReport>,
    started: Instant,
) -> CreateReport {
    let url = places.address(&tenant, None).map(|url| url.to_string()).unwrap_or_default();
    CreateReport {
        outcome,
        url,
        is_credential_kept: tenant.credential.is_some(),
        seed: match outcome {
            CreateOutcome::AlreadyThere => None,
            _ => request.seed.as_ref().map(|set| set.name.clone()),
        },
        steps,
        tenant,
        elapsed: started.elapsed(),
    }
}
