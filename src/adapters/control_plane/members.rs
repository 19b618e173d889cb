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

/// Returns whether an operator removed a user from a tenant.
pub(crate) async fn is_removed(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
) -> Result<bool> {
    let is_removed = sqlx::query_scalar(
        r"SELECT EXISTS (SELECT FROM control_plane.user_mappings
            WHERE auth_user_id = $1 AND tenant_id = $2 AND removed_at IS NOT NULL)",
    )
    .bind(user.0)
    .bind(tenant.0)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look whether the user was removed"))?;
    Ok(is_removed)
}

/// Returns the users of whom a membership or a session in a tenant is recorded, whatever Auth says.
pub(crate) async fn members(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<UserId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r"SELECT m.auth_user_id FROM control_plane.user_mappings m
        WHERE m.tenant_id = $1 AND m.removed_at IS NULL AND (m.member_by IS NOT NULL OR EXISTS (
            SELECT FROM control_plane.sessions s
            WHERE s.user_id = m.auth_user_id AND s.tenant_id = m.tenant_id))
        ORDER BY 1",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the tenant's users"))?;
    Ok(ids.into_iter().map(UserId).collect())
}
