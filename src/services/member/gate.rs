//! The gate of the tenant that a user is added to or removed from.

use crate::adapters::postgres::Purpose;
use crate::adapters::server::{ServerError, TenantDatabase};
use crate::model::{Act, Tenant, TenantStatus};
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
