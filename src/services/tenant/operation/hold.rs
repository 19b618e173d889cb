//! A tenant under its control lock, on a session of its own.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use crate::adapters::control_plane::{self, ControlPlane, ControlPlaneError};
use crate::adapters::postgres::{Lock, LockServer, LockTable, hold_until};
use crate::model::{Act, Slug, Tenant, TenantId, TenantRef};
use crate::services::saga::Journal;
use crate::services::tenant::error::TenantError;

/// A tenant that no other tenantctl changes for as long as the session lives.
#[derive(Debug)]
pub(in crate::services::tenant) struct Held {
    /// The session that holds the lock.
    pub(in crate::services::tenant) connection: PgConnection,
    /// The tenant, read under the lock.
    pub(in crate::services::tenant) tenant: Tenant,
}

impl Held {
    /// Takes the lock of a tenant and reads it again under the lock.
    pub(in crate::services::tenant) async fn take(
        plane: &ControlPlane,
        tenant: &Tenant,
        act: Act,
        deadline: Instant,
    ) -> Result<Self, TenantError> {
        let mut connection = lock(plane, &tenant.slug, tenant.id, act, deadline).await?;
        let now = control_plane::find_by_id(&mut connection, tenant.id).await?;
        let tenant = now.ok_or_else(|| TenantError::NotFound(tenant.slug.to_string()))?;
        Ok(Self { connection, tenant })
    }
}

/// Returns a session that holds a tenant's control lock.
pub(in crate::services::tenant) async fn lock(
    plane: &ControlPlane,
    slug: &Slug,
    id: TenantId,
    act: Act,
    deadline: Instant,
) -> Result<PgConnection, TenantError> {
    let mut connection = plane.dedicated(act.word()).await?;
    let what = format!("tenant `{slug}`");
    let named = ("tenant", id.0);
    let lock = Lock::new(LockTable::ControlPlane, named, what, LockServer::ControlPlane)
        .told_like(plane.endpoint());
    hold_until(&mut connection, &lock, deadline).await.map_err(ControlPlaneError::from)?;
    Ok(connection)
}

/// Finds the tenant that has the slug or id now, purged ones aside.
pub(in crate::services::tenant) async fn find(
    plane: &ControlPlane,
    named: &TenantRef,
) -> Result<Tenant, TenantError> {
    let found = control_plane::find_live(&mut *plane.session().await?, named).await?;
    found.ok_or_else(|| TenantError::NotFound(named.to_string()))
}

/// Returns the tenant as it is now, read on the session that holds its lock.
pub(in crate::services::tenant) async fn reread(
    journal: &mut Journal,
    tenant: &Tenant,
) -> Result<Tenant, TenantError> {
    let now = control_plane::find_by_id(&mut journal.connection, tenant.id).await?;
    now.ok_or_else(|| TenantError::NotFound(tenant.slug.to_string()))
}
