//! The gate of the tenant that a user is added to or removed from.

use crate::adapters::control_plane;
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Pending, ServerError, TenantDatabase};
use crate::model::{Act, Tenant, TenantStatus, UserId};
use crate::services::home::{HomeError, PATIENCE, World};

/// What stands where the gate should be.
pub(super) enum Gate {
    /// A session inside the tenant's database, ours by its stamp.
    Here(Box<TenantDatabase>),
    /// Nobody can enter; what opens the database tells the gate first who was removed.
    Closed(&'static str),
}

/// Enters the tenant's database.
///
/// # Errors
/// When it cannot be reached, or carries another tenant's stamp.
pub(super) async fn enter(world: &World, tenant: &Tenant, act: Act) -> Result<Gate, HomeError> {
    if tenant.database.is_none() || tenant.host.is_none() {
        return Ok(Gate::Closed("there is no database yet"));
    }
    let deadline = world.plane.patience().until_within(PATIENCE);
    let mut database = match world.enter(tenant, Purpose::query(act.word()), deadline).await {
        Ok(database) => database,
        Err(HomeError::Server(ServerError::Postgres(error))) if error.is("55000") => {
            return Ok(Gate::Closed("the database allows no connections"));
        }
        Err(error) => return Err(error),
    };
    match database.check_identity().await {
        // The gate comes with the stamp.
        Err(ServerError::Contradicted { .. }) if tenant.status == TenantStatus::Provisioning => {
            Ok(Gate::Closed("there is no gate yet"))
        }
        checked => {
            checked?;
            Ok(Gate::Here(Box::new(database)))
        }
    }
}

/// Commits what the gate is told of a user, while the control plane still says so; else takes it back
/// and returns false. Adding and removing do not wait for each other: each commits to the control plane
/// first and looks there once more while it holds the gate's row, so whoever holds it last has seen both.
///
/// # Errors
/// When the control plane or the tenant's server does not answer: then nothing was told.
pub(super) async fn settle(
    world: &World,
    (tenant, user): (&Tenant, UserId),
    is_removed: bool,
    pending: Pending<'_>,
) -> Result<bool, HomeError> {
    let now = async {
        let mut session = world.plane.session().await?;
        control_plane::is_removed(&mut session, user, tenant.id).await
    };
    let holds = now.await? == is_removed;
    if holds {
        pending.commit().await?;
    } else {
        pending.take_back().await?;
    }
    Ok(holds)
}
