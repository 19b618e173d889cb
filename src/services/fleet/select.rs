//! The tenants of a selector, which of them are skipped, and the connection to one.

use tokio::time::Instant;

use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Sight, TenantDatabase};
use crate::model::{Act, Selector, Tenant, TenantRef, TenantStatus};
use crate::services::home::World;
use crate::services::migration::MigrationError;

/// Returns the tenants that a selector picks.
///
/// # Errors
/// When one that is named does not exist, to be excluded or not, or when labels and status fit none;
/// then none is touched.
pub(crate) async fn select(
    plane: &ControlPlane,
    selector: &Selector,
) -> Result<Vec<Tenant>, MigrationError> {
    select_as(plane, selector, |tenant| tenant).await
}

/// Does the same and keeps of each tenant what is wanted of it: of a hundred thousand, the whole rows
/// would take as many kilobytes.
///
/// # Errors
/// As for `select`.
pub(super) async fn select_as<T>(
    plane: &ControlPlane,
    selector: &Selector,
    wanted: impl Fn(Tenant) -> T,
) -> Result<Vec<T>, MigrationError> {
    let mut session = plane.session().await?;
    let mut tenants = Vec::new();
    let named = selector.tenants.iter().filter(|named| !selector.exclude.contains(named));
    let mut unseen: Vec<&TenantRef> = named.collect();
    control_plane::select(&mut session, selector, |tenant| {
        unseen.retain(|named| !named.names(&tenant));
        tenants.push(wanted(tenant));
    })
    .await?;
    let mut missing: Vec<String> = unseen.into_iter().map(ToString::to_string).collect();
    if !selector.exclude.is_empty() {
        // Misspelt, it would leave in the selection whom it is to leave out.
        let unknown = control_plane::unknown_tenants(&mut session, &selector.exclude).await?;
        missing.extend(unknown.iter().map(ToString::to_string));
    }
    if !missing.is_empty() {
        return Err(MigrationError::NoSuchTenants(missing));
    }
    let may_be_empty = !selector.tenants.is_empty() || selector.is_everybody();
    if tenants.is_empty() && !may_be_empty && !selector.allows_none {
        return Err(MigrationError::NoneFits);
    }
    Ok(tenants)
}

/// Opens a tenant's database, checks its stamp and reads its histories.
pub(super) async fn enter(
    world: &World,
    tenant: &Tenant,
    deadline: Instant,
) -> Result<TenantDatabase, MigrationError> {
    enter_seeing(world, tenant, Sight::Histories, deadline).await
}

/// Does the same to migrate it: under the lock of its migrations, where nobody holds that.
pub(super) async fn enter_to_migrate(
    world: &World,
    tenant: &Tenant,
    deadline: Instant,
) -> Result<TenantDatabase, MigrationError> {
    enter_seeing(world, tenant, Sight::Locked, deadline).await
}

/// Does the same and sees what is wanted.
pub(super) async fn enter_seeing(
    world: &World,
    tenant: &Tenant,
    sight: Sight<'_>,
    deadline: Instant,
) -> Result<TenantDatabase, MigrationError> {
    if tenant.database.is_none() {
        return Err(MigrationError::NotReady("no database is recorded".to_owned()));
    }
    let purpose = Purpose::migrate(Act::Migrate.word());
    Ok(world.enter_seeing(tenant, purpose, sight, deadline).await?)
}

/// Why a tenant is skipped that is locked down.
pub(super) const LOCKED: &str = "locked down";

/// Returns why a tenant is skipped, or `None` when it is not.
pub(super) fn reason_to_skip(tenant: &Tenant) -> Option<String> {
    if let Some(quarantine) = &tenant.quarantine {
        return Some(format!("quarantined: {}", quarantine.reason));
    }
    match tenant.status {
        TenantStatus::Active if tenant.is_locked() => Some(LOCKED.to_owned()),
        TenantStatus::Active => None,
        TenantStatus::Provisioning => Some("still being created".to_owned()),
        TenantStatus::Deleted => Some("deleted".to_owned()),
        TenantStatus::Purging | TenantStatus::Purged => Some("purged".to_owned()),
    }
}
