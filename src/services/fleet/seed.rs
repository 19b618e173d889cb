//! `seed apply`: applies a seed set to every selected tenant.

use super::event::FleetEvent;
use super::report::{FleetReport, TenantVerdict};
use super::run::{Fleet, Turn, run_fleet};
use super::select::{enter, enter_to_migrate, reason_to_skip, select};
use crate::model::{Act, Actor, Interrupt, Patience, Selector, Tenant};
use crate::services::home::World;
use crate::services::migration::{MigrationError, SeedSet};

#[derive(Debug)]
pub(crate) struct SeedRequest {
    pub selector: Selector,
    pub set: SeedSet,
    pub jobs: usize,
    pub is_dry_run: bool,
    /// How long to wait for a tenant's server and its lock.
    pub patience: Patience,
    pub actor: Actor,
}

/// Applies a set to every selected tenant; files that were applied before are skipped.
///
/// # Errors
/// When no tenant could be started, as when a named one does not exist. What happens to a single
/// tenant is in the report.
pub(crate) async fn apply_seeds(
    world: &World,
    request: &SeedRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, MigrationError> {
    let tenants = select(&world.plane, &request.selector).await?;
    let fleet = Fleet {
        plane: &world.plane,
        tenants,
        act: Act::Seed,
        actor: &request.actor,
        jobs: request.jobs,
        is_dry_run: request.is_dry_run,
        selector: &request.selector,
    };
    let decide = |tenant: &Tenant| reason_to_skip(tenant).map(TenantVerdict::Skipped);
    let act = |tenant: Tenant| async move {
        let deadline = request.patience.until();
        let mut database = if request.is_dry_run {
            enter(world, &tenant, deadline).await?
        } else {
            enter_to_migrate(world, &tenant, deadline).await?
        };
        let version = tenant.schema.as_ref().and_then(|schema| schema.version);
        let files = |count| vec![format!("{count} files of {}", request.set.name)];
        if request.is_dry_run {
            let left = database.seeds_left(&request.set.seeds()).await?;
            database.close().await;
            let verdict = match left {
                0 => TenantVerdict::Unchanged,
                left => TenantVerdict::Planned(files(left)),
            };
            return Turn::Ok((verdict, version));
        }
        database.lock(deadline).await?;
        let outcome = database.seed(&request.set.seeds()).await?;
        database.close().await;
        let verdict = match outcome.applied {
            0 => TenantVerdict::Unchanged,
            applied => TenantVerdict::Done(files(applied)),
        };
        Turn::Ok((verdict, version))
    };
    run_fleet(fleet, interrupt, on_event, decide, act).await
}
