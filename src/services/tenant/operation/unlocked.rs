//! What lets an application in is committed only while the tenant is not locked down.
//!
//! A lockdown does not wait for an operation. It commits to the control plane before it cuts, so
//! whoever opens looks there while it holds the row that the lockdown has to change as well: either
//! it sees the lockdown, or the lockdown changes the row after it.

use sqlx::postgres::PgConnection;

use crate::adapters::control_plane;
use crate::adapters::server::Pending;
use crate::model::Tenant;
use crate::services::tenant::error::TenantError;

/// Commits a change that lets the application in, or takes it back when the tenant was locked down;
/// returns the tenant that was.
pub(in crate::services::tenant) async fn commit_unless_locked(
    pending: Pending<'_>,
    control: &mut PgConnection,
    tenant: &Tenant,
) -> Result<Option<Tenant>, TenantError> {
    let now = control_plane::find_by_id(control, tenant.id).await?;
    let now = now.ok_or_else(|| TenantError::NotFound(tenant.slug.to_string()))?;
    if now.is_locked() {
        pending.take_back().await?;
        return Ok(Some(now));
    }
    pending.commit().await?;
    Ok(None)
}
