//! `control_plane.lockdowns` and the tenant's lock: what was cut, and what it was before.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Ban, ControlPlaneError};
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Marks, Reason, TenantId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// An open lockdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Lockdown {
    /// Its id.
    pub id: Uuid,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// How often it was asked for.
    pub cuts: i32,
    /// What each layer was before, by layer.
    pub saved: serde_json::Value,
}

/// Cuts a tenant off in the control plane, in whatever status it is: one row, one statement, which
/// records in `epochs` who did and why.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn lock_tenant(
    connection: &mut PgConnection,
    id: TenantId,
    actor: &Actor,
    reason: &Reason,
) -> Result<Marks> {
    let locked: Option<(i64, Option<OffsetDateTime>)> = sqlx::query_as(
        r"WITH locked AS (
            UPDATE control_plane.tenant_metadata SET
                status = CASE status WHEN 'active' THEN 'locked' ELSE status END,
                status_before_delete = CASE status_before_delete WHEN 'active' THEN 'locked'
                    ELSE status_before_delete END,
                locked_at = coalesce(locked_at, clock_timestamp()), lock_reason = $3,
                session_epoch = session_epoch + 1,
                sessions_not_before = greatest(sessions_not_before, clock_timestamp())
            WHERE tenant_id = $1 RETURNING session_epoch, sessions_not_before
        ), recorded AS (
            INSERT INTO control_plane.epochs (tenant_id, number, act, actor, reason)
            SELECT $1, session_epoch, 'lockdown', $2, $3 FROM locked)
        SELECT session_epoch, sessions_not_before + clock_skew
        FROM locked, control_plane.settings",
    )
    .bind(id.0)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("lock the tenant"))?;
    let (epoch, not_before) = locked.ok_or(ControlPlaneError::Changed("the tenant"))?;
    Ok(Marks { epoch, not_before })
}

/// Lifts the lock; epochs and marks stay, so old tokens stay dead.
///
/// # Errors
/// When the server does not answer.
pub async fn unlock_tenant(connection: &mut PgConnection, id: TenantId) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET \
         status = CASE status WHEN 'locked' THEN 'active' ELSE status END, \
         status_before_delete = CASE status_before_delete WHEN 'locked' THEN 'active' \
           ELSE status_before_delete END, \
         locked_at = NULL, lock_reason = NULL WHERE tenant_id = $1 AND locked_at IS NOT NULL",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("unlock the tenant"))?;
    Ok(done.rows_affected() == 1)
}

/// Returns a tenant's epoch and mark as they stand.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn marks_of(connection: &mut PgConnection, id: TenantId) -> Result<Marks> {
    let found: Option<(i64, Option<OffsetDateTime>)> = sqlx::query_as(
        "SELECT session_epoch, sessions_not_before + clock_skew \
         FROM control_plane.tenant_metadata, control_plane.settings WHERE tenant_id = $1",
    )
    .bind(id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the tenant's marks"))?;
    let (epoch, not_before) = found.ok_or(ControlPlaneError::Changed("the tenant"))?;
    Ok(Marks { epoch, not_before })
}

/// Opens a lockdown, or returns the one that is open, which it counts as asked for once more.
///
/// # Errors
/// When the server does not answer.
pub async fn open_lockdown(
    connection: &mut PgConnection,
    tenant_id: TenantId,
    actor: &Actor,
    reason: &Reason,
) -> Result<Lockdown> {
    sqlx::query(
        "INSERT INTO control_plane.lockdowns (lockdown_id, tenant_id, actor, reason) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id) WHERE lifted_at IS NULL \
         DO UPDATE SET cuts = lockdowns.cuts + 1",
    )
    .bind(Uuid::now_v7())
    .bind(tenant_id.0)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .execute(&mut *connection)
    .await
    .map_err(PgError::doing("open the lockdown"))?;
    find_lockdown(connection, tenant_id).await?.ok_or(ControlPlaneError::Changed("the lockdown"))
}

/// Returns the tenant's open lockdown, if there is one.
///
/// # Errors
/// When the server does not answer.
pub async fn find_lockdown(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Lockdown>> {
    let found: Option<(Uuid, OffsetDateTime, i32, Json<serde_json::Value>)> = sqlx::query_as(
        "SELECT lockdown_id, started_at, cuts, saved FROM control_plane.lockdowns \
         WHERE tenant_id = $1 AND lifted_at IS NULL",
    )
    .bind(tenant_id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the lockdown"))?;
    Ok(found.map(|(id, started_at, cuts, Json(saved))| Lockdown { id, started_at, cuts, saved }))
}

/// Keeps what a layer was before it was cut; what an earlier run kept stays, since that one saw the
/// layer uncut. Returns what is kept now.
///
/// # Errors
/// When the server does not answer.
pub async fn keep_saved(
    connection: &mut PgConnection,
    lockdown: Uuid,
    layer: &str,
    before: &serde_json::Value,
) -> Result<serde_json::Value> {
    let (kept,): (Json<serde_json::Value>,) = sqlx::query_as(
        "UPDATE control_plane.lockdowns SET saved = jsonb_build_object($2::text, $3::jsonb) || saved \
         WHERE lockdown_id = $1 RETURNING saved -> $2",
    )
    .bind(lockdown)
    .bind(layer)
    .bind(Json(before))
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("keep what the layer was before"))?;
    Ok(kept.0)
}

/// Which way a lockdown banned users by, and so gives them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BannedBy {
    /// Supabase Auth's own tables.
    Tables,
    /// Its admin API.
    AdminApi,
}

impl BannedBy {
    /// Returns the key they are kept under in `saved`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tables => "banned",
            Self::AdminApi => "banned_by_api",
        }
    }
}

/// Adds users that are banned by this lockdown to those it has to give back; what an earlier run
/// kept of a user stays.
///
/// # Errors
/// When the server does not answer.
pub async fn keep_banned(
    connection: &mut PgConnection,
    lockdown: Uuid,
    by: BannedBy,
    bans: &[Ban],
) -> Result<()> {
    let before = |ban: &Ban| (ban.user.to_string(), serde_json::json!(ban.until_before));
    let banned: serde_json::Map<_, _> = bans.iter().map(before).collect();
    sqlx::query(
        "UPDATE control_plane.lockdowns SET saved = jsonb_set(saved, ARRAY[$3], \
         $2::jsonb || coalesce(saved -> $3, '{}')) WHERE lockdown_id = $1",
    )
    .bind(lockdown)
    .bind(Json(banned))
    .bind(by.word())
    .execute(connection)
    .await
    .map_err(PgError::doing("keep who was banned"))?;
    Ok(())
}

/// Returns whom this lockdown banned through the admin API and has to give back, and how many others
/// it handed to another lockdown, because they work in that tenant as well.
///
/// # Errors
/// When the server does not answer.
pub async fn hand_bans_over(
    connection: &mut PgConnection,
    lockdown: Uuid,
) -> Result<(Vec<Ban>, i64)> {
    let rows: Vec<(Uuid, Option<String>, bool)> = sqlx::query_as(
        "WITH mine AS ( \
           SELECT b.key::uuid AS id, b.value AS before FROM control_plane.lockdowns l, \
             jsonb_each(coalesce(l.saved -> $2, '{}')) b WHERE l.lockdown_id = $1 \
         ), shared AS ( \
           SELECT DISTINCT ON (mine.id) mine.id, mine.before, o.lockdown_id FROM mine \
           JOIN control_plane.user_mappings m ON m.auth_user_id = mine.id AND m.is_member \
           JOIN control_plane.lockdowns o ON o.tenant_id = m.tenant_id \
             AND o.lifted_at IS NULL AND o.lockdown_id <> $1 \
         ), handed AS ( \
           UPDATE control_plane.lockdowns o SET saved = jsonb_set(saved, ARRAY[$2], \
             coalesce(saved -> $2, '{}') || s.bans) \
           FROM (SELECT lockdown_id, jsonb_object_agg(id, before) AS bans FROM shared \
             GROUP BY lockdown_id) s WHERE o.lockdown_id = s.lockdown_id \
         ) SELECT mine.id, mine.before #>> '{}', shared.id IS NOT NULL \
           FROM mine LEFT JOIN shared ON shared.id = mine.id",
    )
    .bind(lockdown)
    .bind(BannedBy::AdminApi.word())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read whom the lockdown banned"))?;
    let (shared, mine): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, _, is)| *is);
    let mine = mine.into_iter().map(|(user, until_before, _)| Ban { user, until_before });
    Ok((mine.collect(), i64::try_from(shared.len()).unwrap_or(i64::MAX)))
}

/// Closes a lockdown; returns whether it could be: not when it was asked for again after it was
/// read.
///
/// # Errors
/// When the server does not answer.
pub async fn lift_lockdown(
    connection: &mut PgConnection,
    lockdown: &Lockdown,
    actor: &Actor,
    reason: &Reason,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE control_plane.lockdowns SET lifted_at = clock_timestamp(), lifted_by = $2, \
         lift_reason = $3 WHERE lockdown_id = $1 AND lifted_at IS NULL AND cuts = $4",
    )
    .bind(lockdown.id)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .bind(lockdown.cuts)
    .execute(connection)
    .await
    .map_err(PgError::doing("close the lockdown"))?;
    Ok(done.rows_affected() == 1)
}
