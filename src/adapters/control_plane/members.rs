//! `control_plane.user_mappings`: which users work in which tenants.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Returns the tenants a user works in or has a mark in, by id.
pub(crate) async fn find_tenants_of(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Vec<TenantId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT tenant_id FROM control_plane.user_mappings WHERE auth_user_id = $1 ORDER BY 1",
    )
    .bind(user.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the user's tenants"))?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// Returns the users who are recorded as working in a tenant, whatever Auth says.
pub(crate) async fn members(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<UserId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r"SELECT auth_user_id FROM control_plane.user_mappings
        WHERE tenant_id = $1 AND is_member ORDER BY 1",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the tenant's users"))?;
    Ok(ids.into_iter().map(UserId).collect())
}
