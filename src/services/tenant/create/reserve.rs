//! The slug: reserved for a new tenant, or found to be that of the one that is meant.
//!
//! A new tenant's row, its operation and the intent in the audit trail are one commit, under its
//! lock: no row without a record of who wanted it, and none that a second run could mistake for
//! abandoned.

use sqlx::Connection;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::operation::hold::{self as control, Opening};
use super::super::trail::Trail;
use super::super::{CreateRequest, Existing, TenantError};
use super::steps::FIRST_STEP;
use super::survey as adopt;
use crate::adapters::control_plane::{
    self, ControlPlane, ControlPlaneError, NewTenant, OperationKind,
};
use crate::adapters::postgres::{Endpoint, PgError};
use crate::model::{DatabaseName, Placement, Tenant, TenantId, TenantStatus, escape_controls};
use crate::services::home::Homes;
use crate::services::saga::Journal;

/// A tenant that has its slug.
pub(in crate::services::tenant) struct Reserved {
    pub(in crate::services::tenant) tenant: Tenant,
    /// The operation to go on with; nothing when there is nothing to do.
    pub(in crate::services::tenant) open: Option<Opened>,
    pub(in crate::services::tenant) is_new: bool,
}

/// An operation that is ours to carry out.
pub(in crate::services::tenant) struct Opened {
    pub(in crate::services::tenant) journal: Journal,
    pub(in crate::services::tenant) trail: Trail,
    pub(in crate::services::tenant) is_continued: bool,
}

/// Reserves the slug, or finds the tenant that has it and checks that it is the one meant.
pub(in crate::services::tenant) async fn reserve(
    plane: &ControlPlane,
    places: &Homes,
    request: &CreateRequest,
    deadline: Instant,
) -> Result<Reserved, TenantError> {
    loop {
        let found = control_plane::find_live(&mut *plane.session().await?, &request.slug).await?;
        let reserved = match found {
            Some(tenant) => Some(go_on(plane, places, request, &tenant, deadline).await?),
            None => begin(plane, places, request, deadline).await?,
        };
        if let Some(reserved) = reserved {
            return Ok(reserved);
        }
    }
}

/// Goes on with the tenant that has the slug.
async fn go_on(
    plane: &ControlPlane,
    places: &Homes,
    request: &CreateRequest,
    found: &Tenant,
    deadline: Instant,
) -> Result<Reserved, TenantError> {
    check_same(found, request)?;
    let (mut connection, tenant) = control::take(plane, found, "create", deadline).await?;
    // It may have been deleted while we waited for the lock.
    check_same(&tenant, request)?;
    if tenant.status == TenantStatus::Active {
        return Ok(Reserved { tenant, open: None, is_new: false });
    }
    control::settle_quarantine(&mut connection, (places, plane), &tenant, "create", deadline)
        .await?;
    let (journal, trail, is_continued) =
        control::open(connection, &tenant, opening(request)).await?;
    Ok(Reserved { tenant, open: Some(Opened { journal, trail, is_continued }), is_new: false })
}

/// Begins a new tenant; nothing when somebody was faster.
async fn begin(
    plane: &ControlPlane,
    places: &Homes,
    request: &CreateRequest,
    deadline: Instant,
) -> Result<Option<Reserved>, TenantError> {
    if let Some(wanted) = &request.adopts {
        adopt::look(plane, places, request, wanted, deadline).await?;
    }
    // Version 4: the first digits go into the database's name, and those of version 7 are the same
    // for a minute.
    let id = request.id.unwrap_or_else(|| TenantId(Uuid::new_v4()));
    let new = NewTenant {
        id,
        slug: request.slug.clone(),
        name: request.name.as_str().to_owned(),
        plan: request.plan.clone(),
        labels: request.labels.clone(),
        placement: request.placement,
        database: match (request.placement, &request.adopts) {
            // Known once there is a project to hold it.
            (Placement::Project, _) => None,
            (Placement::Database, Some(Existing::Database(name))) => Some(
                DatabaseName::recorded(name, &request.slug, id)
                    .ok_or_else(|| TenantError::NothingThere(escape_controls(name)))?,
            ),
            (Placement::Database, _) => Some(DatabaseName::of(&request.slug, id)),
        },
        region: request.region.clone(),
    };
    let mut connection = control::lock(plane, &request.slug, id, "create", deadline).await?;
    let doing = || PgError::doing("reserve the slug");
    let mut transaction = connection.begin().await.map_err(doing())?;
    let tenant = match control_plane::reserve(&mut transaction, &new).await {
        Ok(Some(tenant)) => tenant,
        Ok(None) => {
            drop(transaction);
            Endpoint::close(connection).await;
            return Ok(None);
        }
        Err(ControlPlaneError::Postgres(error)) if error.is("23505") => {
            return Err(already_used(plane, request, id, error).await);
        }
        Err(error) => return Err(error.into()),
    };
    let opened = control::open_in(&mut transaction, &tenant, opening(request)).await?;
    let (lease, trail, is_continued) = opened;
    transaction.commit().await.map_err(doing())?;
    let journal = Journal { connection, lease };
    Ok(Some(Reserved { tenant, open: Some(Opened { journal, trail, is_continued }), is_new: true }))
}

/// Says which of the things that must be one tenant's alone is another's.
async fn already_used(
    plane: &ControlPlane,
    request: &CreateRequest,
    id: TenantId,
    error: PgError,
) -> TenantError {
    let Ok(mut session) = plane.session().await else { return error.into() };
    match control_plane::find_by_id(&mut session, id).await {
        Ok(Some(_)) => TenantError::IdUsed { slug: request.slug.to_string(), id: id.to_string() },
        Ok(None) => match &request.adopts {
            Some(wanted) => match adopt::refuse_taken(plane, request, wanted).await {
                Err(taken) => taken,
                Ok(()) => error.into(),
            },
            None => error.into(),
        },
        Err(_) => error.into(),
    }
}

fn opening(request: &CreateRequest) -> Opening<'_> {
    let adopts = request.adopts.is_some();
    Opening {
        kind: if adopts { OperationKind::Adopt } else { OperationKind::Create },
        action: if adopts { "tenant.adopt" } else { "tenant.create" },
        request: describe(request),
        first_step: FIRST_STEP,
        actor: &request.actor,
    }
}

/// Refuses a tenant that is not what was asked for, or in no state to be continued.
pub(in crate::services::tenant) fn check_same(
    tenant: &Tenant,
    request: &CreateRequest,
) -> Result<(), TenantError> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, there: Option<String>, asked: Option<String>| {
        if there != asked {
            let shown = |value: Option<String>| {
                value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
            };
            differences.push(format!("{what} {} (asked for {})", shown(there), shown(asked)));
        }
    };
    let labels = |labels: &std::collections::BTreeMap<String, String>| {
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join(","))
    };
    compare("name", Some(tenant.name.clone()), Some(request.name.as_str().to_owned()));
    compare("plan", tenant.plan.clone(), request.plan.clone());
    compare("labels", labels(&tenant.labels), labels(&request.labels));
    // Where nobody named a region, the one the project came to be in is recorded.
    if request.region.is_some() || tenant.placement == Placement::Database {
        compare("region", tenant.region.clone(), request.region.clone());
    }
    let word = |placement: Placement| Some(placement.word().to_owned());
    compare("placement", word(tenant.placement), word(request.placement));
    match &request.adopts {
        Some(Existing::Database(name)) => {
            compare(
                "database",
                tenant.database.as_ref().map(ToString::to_string),
                Some(name.clone()),
            );
        }
        // Until it is recorded, the one that is asked for is as good as any.
        Some(Existing::Project(project)) => {
            let there = tenant.project_ref.as_ref().unwrap_or(project).to_string();
            compare("project", Some(there), Some(project.to_string()));
        }
        None => {}
    }
    if let Some(id) = request.id {
        compare("id", Some(tenant.id.to_string()), Some(id.to_string()));
    }
    let slug = tenant.slug.to_string();
    if !differences.is_empty() {
        return Err(TenantError::SpecDiffers { slug, differences });
    }
    match tenant.status {
        // Going on would give it a login that works.
        TenantStatus::Provisioning if tenant.locked_at.is_some() => Err(TenantError::WrongState {
            wanted: "create",
            slug,
            status: TenantStatus::Locked.word(),
        }),
        TenantStatus::Provisioning | TenantStatus::Active => Ok(()),
        other => Err(TenantError::WrongState { wanted: "create", slug, status: other.word() }),
    }
}
fn describe(request: &CreateRequest) -> serde_json::Value {
    serde_json::json!({
        "slug": request.slug.as_str(),
        "name": request.name.as_str(),
        "plan": request.plan,
        "labels": request.labels,
        "region": request.region,
        "placement": request.placement.word(),
        "adopts": request.adopts.as_ref().map(|existing| match existing {
            Existing::Database(name) => name.clone(),
            Existing::Project(project) => project.to_string(),
        }),
        "migrate": request.migrates,
        "seed": request.seed.as_ref().map(|set| set.name.clone()),
    })
}
