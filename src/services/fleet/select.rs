//! The tenants of a selector, which of them are skipped, and the connection to one.

use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::TenantDatabase;
use crate::model::{Act, Selector, Tenant, TenantStatus};
use crate::services::home::World;
use crate::services::migration::MigrationError;

/// Returns the tenants that a selector picks.
///
/// # Errors
/// When a named one does not exist; then none is touched.
pub(super) async fn select(
    plane: &ControlPlane,
    selector: &Selector,
) -> Result<Vec<Tenant>, MigrationError> {
    let tenants = control_plane::select(&mut *plane.session().await?, selector).await?;
    let is_missing = |slug: &&crate::model::Slug| {
        !selector.exclude.contains(slug) && !tenants.iter().any(|tenant| tenant.slug == **slug)
    };
    let missing: Vec<String> =
        selector.slugs.iter().filter(is_missing).map(ToString::to_string).collect();
    if missing.is_empty() { Ok(tenants) } else { Err(MigrationError::NoSuchTenants(missing)) }
}

/// Opens a tenant's database and checks its stamp.
pub(super) async fn enter(
    world: &World,
    tenant: &Tenant,
    deadline: tokio::time::Instant,
) -> Result<TenantDatabase, MigrationError> {
    if tenant.database.is_none() {
        return Err(MigrationError::NotReady("no database is recorded".to_owned()));
    }
    let purpose = Purpose::migrate(Act::Migrate.word());
    let mut database = world.enter(tenant, purpose, deadline).await?;
    database.check_identity().await?;
    Ok(database)
}

/// Returns why a tenant is skipped, or `None` when it is not.
pub(super) fn reason_to_skip(tenant: &Tenant) -> Option<String> {
    if let Some(quarantine) = &tenant.quarantine {
        return Some(format!("quarantined: {}", quarantine.reason));
    }
    match tenant.status {
        TenantStatus::Active => None,
        TenantStatus::Provisioning => Some("still being created".to_owned()),
        TenantStatus::Locked => Some("locked".to_owned()),
        TenantStatus::Deleted => Some("deleted".to_owned()),
        TenantStatus::Purging | TenantStatus::Purged => Some("purged".to_owned()),
    }
}
