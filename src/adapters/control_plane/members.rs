//! `control_plane.user_mappings`: which users work in which tenants, and by whose word.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};
use crate::model::{Actor, Reason, TenantId, UserId};

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

/// Returns the users whom an operator removed from a tenant; its gate refuses each of them.
pub(crate) async fn removed_users(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<UserId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r"SELECT auth_user_id FROM control_plane.user_mappings
        WHERE tenant_id = $1 AND removed_at IS NOT NULL ORDER BY 1",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find who was removed from the tenant"))?;
    Ok(ids.into_iter().map(UserId).collect())
}

row! {
    /// A member after `member add`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Added {
        pub role: String,
        /// Whether the row said so before, with that role.
        pub was_there: bool,
        /// Since when their older sessions there are refused, if they ever were revoked.
        pub not_before: Option<OffsetDateTime>,
        /// How many live tenants the user belongs to by an operator's word.
        pub tenants: i64,
    }
}

/// Makes a user a member of a tenant by an operator's word, whether they were removed before or not;
/// without a role they keep theirs. Sessions from before a removal stay dead.
pub(crate) async fn add_member(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
    role: Option<&str>,
) -> Result<Added> {
    let added = sqlx::query_as(
        r"WITH before AS (
            SELECT role, member_by, removed_at FROM control_plane.user_mappings
            WHERE auth_user_id = $1 AND tenant_id = $2 FOR UPDATE
        ), added AS (
            INSERT INTO control_plane.user_mappings AS m (auth_user_id, tenant_id, role, member_by)
            SELECT $1, $2, coalesce($3, 'member'), 'operator' FROM (SELECT count(*) FROM before) b
            ON CONFLICT (auth_user_id, tenant_id) DO UPDATE
                SET member_by = 'operator', removed_at = NULL, role = coalesce($3, m.role)
            RETURNING role, sessions_not_before
        )
        SELECT a.role, EXISTS (SELECT FROM before b WHERE b.member_by = 'operator'
                AND b.removed_at IS NULL AND b.role = a.role) AS was_there,
            a.sessions_not_before + g.clock_skew AS not_before,
            1 + (SELECT count(*) FROM control_plane.user_mappings o
                JOIN control_plane.tenant_metadata t USING (tenant_id)
                WHERE o.auth_user_id = $1 AND o.tenant_id <> $2 AND o.member_by = 'operator'
                    AND o.removed_at IS NULL
                    AND t.status NOT IN ('deleted', 'purging', 'purged')) AS tenants
        FROM added a, control_plane.settings g",
    )
    .bind(user.0)
    .bind(tenant.0)
    .bind(role)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("add the member"))?;
    Ok(added)
}

/// Removes a user from a tenant for good, revokes their sessions there, and records who did and why;
/// false when they had been removed before. A user who is recorded nowhere is removed all the same.
pub(crate) async fn remove_member(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
    actor: &Actor,
    reason: &Reason,
) -> Result<bool> {
    let is_new = sqlx::query_scalar(
        r"WITH removed AS (
            INSERT INTO control_plane.user_mappings AS m
                (auth_user_id, tenant_id, removed_at, session_epoch, sessions_not_before)
            VALUES ($1, $2, clock_timestamp(), 2, clock_timestamp())
            ON CONFLICT (auth_user_id, tenant_id) DO UPDATE
                SET removed_at = clock_timestamp(), session_epoch = m.session_epoch + 1,
                sessions_not_before = greatest(m.sessions_not_before, clock_timestamp())
                WHERE m.removed_at IS NULL
            RETURNING session_epoch
        ), recorded AS (
            INSERT INTO control_plane.epochs (user_id, tenant_id, number, act, actor, reason)
            SELECT $1, $2, session_epoch, 'remove', $3, $4 FROM removed
        )
        SELECT EXISTS (SELECT FROM removed)",
    )
    .bind(user.0)
    .bind(tenant.0)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("remove the member"))?;
    Ok(is_new)
}
