//! The slug: reserved for a new tenant, or found to be that of the one that is meant.
//!
//! A new tenant's row, its operation and the intent in the audit trail are one commit, under its
//! lock: no row without a record of who wanted it, and none that a second run could mistake for
//! abandoned.

use sqlx::Connection;
use tokio::time::Instant;
use uuid::Uuid;

use super::request::CreateRequest;
use super::spec::check_same;
use super::steps::Step;
use super::survey;
use crate::adapters::control_plane::{self, ControlPlaneError, NewTenant};
use crate::adapters::postgres::{Endpoint, PgError};
use crate::model::{Tenant, TenantId, TenantStatus};
use crate::services::home::{Homes, World};
use crate::services::saga::{Journal, SagaStep};
use crate::services::tenant::error::TenantError;
use crate::services::tenant::operation::{Held, Opening, lock, open_in};

/// A tenant that has its slug.
pub(super) struct Reserved {
    pub(super) tenant: Tenant,
    /// The journal of the operation to go on with; nothing when there is nothing to do.
    pub(super) journal: Option<Journal>,
    /// Whether the tenant or its operation existed before this run.
    pub(super) is_continued: bool,
}

/// Reserves the slug, or finds the tenant that has it and checks that it is the one meant.
pub(super) async fn reserve(
    world: &World,
    request: &CreateRequest,
    deadline: Instant,
) -> Result<Reserved, TenantError> {
    let plane = &world.plane;
    // Twice at most in practice: who loses the race for a new slug finds the winner's row.
    loop {
        let found =
            control_plane::find_live(&mut *plane.session().await?, &request.slug.clone().into())
                .await?;
        let reserved = match found {
            Some(tenant) => Some(go_on(world, request, &tenant, deadline).await?),
            None => begin(world, request, deadline).await?,
        };
        if let Some(reserved) = reserved {
            return Ok(reserved);
        }
    }
}

/// Goes on with the tenant that has the slug.
async fn go_on(
    world: &World,
    request: &CreateRequest,
    found: &Tenant,
    deadline: Instant,
) -> Result<Reserved, TenantError> {
    check_same(found, request)?;
    let mut held = Held::take(&world.plane, found, request.act(), deadline).await?;
    // It may have been deleted while we waited for the lock.
    check_same(&held.tenant, request)?;
    let tenant = held.tenant.clone();
    if tenant.status == TenantStatus::Active {
        return Ok(Reserved { tenant, journal: None, is_continued: true });
    }
    held.settle_quarantine(world, request.act(), deadline).await?;
    let (journal, _) = held.open(opening(request)).await?;
    Ok(Reserved { tenant, journal: Some(journal), is_continued: true })
}

/// Begins a new tenant; nothing when another run was faster.
async fn begin(
    world: &World,
    request: &CreateRequest,
    deadline: Instant,
) -> Result<Option<Reserved>, TenantError> {
    if let Some(wanted) = &request.adopts {
        survey::look(world, request, wanted, deadline).await?;
    }
    // Version 4: the first digits go into the database's name, and those of version 7 are the same
    // for a minute.
    let id = request.id.unwrap_or_else(|| TenantId(Uuid::new_v4()));
    let wanted = request.adopts.as_ref();
    let new = NewTenant {
        id,
        slug: request.slug.clone(),
        name: request.name.as_str().to_owned(),
        plan: request.plan.clone(),
        labels: request.labels.clone(),
        placement: request.placement,
        database: Homes::reserved_name(request.placement, &request.slug, id, wanted)?,
        region: request.region.clone(),
    };
    let mut connection = lock(&world.plane, &request.slug, id, request.act(), deadline).await?;
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
            return Err(already_used(world, request, id, error).await);
        }
        Err(error) => return Err(error.into()),
    };
    let (lease, entry, is_continued) = open_in(&mut transaction, &tenant, opening(request)).await?;
    transaction.commit().await.map_err(doing())?;
    let journal = Some(Journal::new(connection, lease, entry));
    Ok(Some(Reserved { tenant, journal, is_continued }))
}

/// Says which of the things that only one tenant may have is another's.
async fn already_used(
    world: &World,
    request: &CreateRequest,
    id: TenantId,
    error: PgError,
) -> TenantError {
    let Ok(mut session) = world.plane.session().await else { return error.into() };
    match control_plane::find_by_id(&mut session, id).await {
        Ok(Some(_)) => {
            let (slug, id) = (request.slug.to_string(), id.to_string());
            TenantError::IdUsed { act: request.act(), slug, id }
        }
        Ok(None) => match &request.adopts {
            Some(wanted) => match survey::refuse_taken(&world.plane, request, wanted).await {
                Err(taken) => taken,
                Ok(()) => error.into(),
            },
            None => error.into(),
        },
        Err(_) => error.into(),
    }
}

fn opening(request: &CreateRequest) -> Opening<'_> {
    Opening {
        act: request.act(),
        request: request.describe(),
        first_step: Step::Place.word(),
        actor: &request.actor,
    }
}
