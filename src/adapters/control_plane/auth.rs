//! Supabase Auth's own tables, where they are in the control plane's database: the only way to end a
//! session from outside.
//!
//! There is no admin route that logs a user out (supabase/auth `internal/api/api.go`, read
//! 2026-11); deleting the row of `auth.sessions` is upstream's own global logout and kills refresh
//! tokens of both versions. An access token that is out already lives until it expires.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::TenantId;

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Rows of `auth.sessions`.
    pub sessions: u64,
    /// Rows of `auth.flow_state`.
    pub flows: u64,
    /// Rows of `auth.one_time_tokens`.
    pub one_time_tokens: u64,
}

/// Returns whether Auth's tables are here.
///
/// # Errors
/// When the server does not answer.
pub async fn has_auth(connection: &mut PgConnection) -> Result<bool> {
    let (is_here,): (bool,) = sqlx::query_as(
        "SELECT to_regclass('auth.users') IS NOT NULL AND to_regclass('auth.sessions') IS NOT NULL",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for Supabase Auth's tables"))?;
    Ok(is_here)
}

/// Returns who belongs to a tenant: by our mappings, and by what Auth itself says of them.
///
/// # Errors
/// When the server does not answer or the tables may not be read.
pub async fn auth_members(connection: &mut PgConnection, tenant: TenantId) -> Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = sqlx::query_as(
        "SELECT u.id FROM auth.users u WHERE u.raw_app_meta_data ->> 'tenant_id' = $1::text \
         UNION SELECT m.auth_user_id FROM control_plane.user_mappings m \
         JOIN auth.users u ON u.id = m.auth_user_id WHERE m.tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the tenant's users in Supabase Auth"))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Bans users for a hundred years, which stops sign-in and refresh; returns those that were not
/// banned before. `infinity` would not be readable to Auth, which is written in Go.
///
/// # Errors
/// When the server does not answer or the tables may not be written.
pub async fn ban(connection: &mut PgConnection, users: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = sqlx::query_as(
        "UPDATE auth.users SET banned_until = now() + interval '100 years' \
         WHERE id = ANY ($1) AND (banned_until IS NULL OR banned_until <= now()) RETURNING id",
    )
    .bind(users)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("ban the tenant's users in Supabase Auth"))?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Lifts the bans of users.
///
/// # Errors
/// When the server does not answer or the tables may not be written.
pub async fn unban(connection: &mut PgConnection, users: &[Uuid]) -> Result<u64> {
    let done = sqlx::query("UPDATE auth.users SET banned_until = NULL WHERE id = ANY ($1)")
        .bind(users)
        .execute(connection)
        .await
        .map_err(PgError::doing("lift the bans in Supabase Auth"))?;
    Ok(done.rows_affected())
}

/// Deletes sessions, sign-ins under way and one-time tokens of users. The ban comes first:
/// otherwise a client refreshes between the two.
///
/// # Errors
/// When the server does not answer or the tables may not be written.
pub async fn sweep(connection: &mut PgConnection, users: &[Uuid]) -> Result<Swept> {
    let doing = || PgError::doing("delete the sessions in Supabase Auth");
    let mut swept = Swept::default();
    let deletes = [
        ("DELETE FROM auth.sessions WHERE user_id = ANY ($1)", &mut swept.sessions),
        ("DELETE FROM auth.flow_state WHERE user_id = ANY ($1)", &mut swept.flows),
        ("DELETE FROM auth.one_time_tokens WHERE user_id = ANY ($1)", &mut swept.one_time_tokens),
    ];
    for (statement, count) in deletes {
        let done = sqlx::query(statement).bind(users).execute(&mut *connection).await;
        *count = done.map_err(doing())?.rows_affected();
    }
    Ok(swept)
}
