//! `control_plane.lockdowns`: what each lockdown changed, and what it was before.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};
use crate::model::{Actor, Ban, Reason, TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

row! {
    /// An open lockdown.
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Lockdown {
        pub id: Uuid,
        pub started_at: OffsetDateTime,
        /// How often it was asked for.
        pub cuts: i32,
        /// Whether an unlock is giving back what was cut.
        pub is_lifting: bool,
        /// What each layer was before, by layer.
        pub saved: serde_json::Value,
    }
}

/// Opens a lockdown, or returns the one that is open, which it counts as asked for once more.
pub(crate) async fn open_lockdown(
    connection: &mut PgConnection,
    tenant_id: TenantId,
    actor: &Actor,
    reason: &Reason,
) -> Result<Lockdown> {
    sqlx::query(
        r"INSERT INTO control_plane.lockdowns (lockdown_id, tenant_id, actor, reason)
        VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id) WHERE lifted_at IS NULL
        DO UPDATE SET cuts = lockdowns.cuts + 1, lifting_since = NULL, lifting_by = NULL",
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
pub(crate) async fn find_lockdown(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Lockdown>> {
    let found = sqlx::query_as(
        r"SELECT lockdown_id AS id, started_at, cuts, lifting_since IS NOT NULL AS is_lifting, saved
        FROM control_plane.lockdowns
        WHERE tenant_id = $1 AND lifted_at IS NULL",
    )
    .bind(tenant_id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the lockdown"))?;
    Ok(found)
}

/// Keeps what a layer was before it was cut; what an earlier run kept stays, since that one saw the
/// layer uncut. Returns what is kept now.
pub(crate) async fn keep_saved(
    connection: &mut PgConnection,
    lockdown: Uuid,
    layer: &str,
    before: &serde_json::Value,
) -> Result<serde_json::Value> {
    let kept = sqlx::query_scalar(
        r"UPDATE control_plane.lockdowns
        SET saved = jsonb_build_object($2::text, $3::jsonb) || saved
        WHERE lockdown_id = $1 RETURNING saved -> $2",
    )
    .bind(lockdown)
    .bind(layer)
    .bind(Json(before))
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("keep what the layer was before"))?;
    Ok(kept)
}

/// Which way a lockdown banned users by, and so lifts their bans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BannedBy {
    /// Supabase Auth's own tables.
    Tables,
    AdminApi,
    /// The tables of the Auth in the tenant's own project.
    Project,
}

impl BannedBy {
    /// Returns the key they are kept under in `saved`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tables => "banned",
            Self::AdminApi => "banned_by_api",
            Self::Project => "banned_in_project",
        }
    }
}

/// Adds users that are banned by this lockdown to those whose bans it has to lift; what an earlier
/// run kept of a user stays. Returns false when the lockdown is being lifted: then nobody would lift
/// these.
pub(crate) async fn keep_banned(
    connection: &mut PgConnection,
    lockdown: Uuid,
    by: BannedBy,
    bans: &[Ban],
) -> Result<bool> {
    let before = |ban: &Ban| (ban.user.to_string(), serde_json::json!(ban.until_before));
    let banned: serde_json::Map<_, _> = bans.iter().map(before).collect();
    let kept = sqlx::query(
        r"UPDATE control_plane.lockdowns SET saved = jsonb_set(saved, ARRAY[$3],
            $2::jsonb || coalesce(saved -> $3, '{}'))
        WHERE lockdown_id = $1 AND lifted_at IS NULL AND lifting_since IS NULL",
    )
    .bind(lockdown)
    .bind(Json(banned))
    .bind(by.word())
    .execute(connection)
    .await
    .map_err(PgError::doing("keep which users were banned"))?;
    Ok(kept.rows_affected() == 1)
}

/// Adds of users who are banned already those whom another open lockdown banned: whichever of the two
/// is lifted last gives them back what they had.
pub(crate) async fn share_bans(
    connection: &mut PgConnection,
    lockdown: Uuid,
    by: BannedBy,
    users: &[UserId],
) -> Result<()> {
    let users: Vec<_> = users.iter().map(UserId::to_string).collect();
    sqlx::query(
        r"UPDATE control_plane.lockdowns SET saved = jsonb_set(saved, ARRAY[$3],
            held.bans || coalesce(saved -> $3, '{}'))
        FROM (SELECT jsonb_object_agg(b.key, b.value) AS bans FROM control_plane.lockdowns o,
                jsonb_each(coalesce(o.saved -> $3, '{}')) b
            WHERE o.lifted_at IS NULL AND o.lockdown_id <> $1 AND b.key = ANY ($2)) held
        WHERE lockdown_id = $1 AND lifted_at IS NULL AND lifting_since IS NULL AND held.bans IS NOT NULL",
    )
    .bind(lockdown)
    .bind(users)
    .bind(by.word())
    .execute(connection)
    .await
    .map_err(PgError::doing("keep which users another lockdown banned"))?;
    Ok(())
}

row! {
    struct Kept {
        user_id: Uuid,
        until_before: Option<String>,
    }
}

/// Returns the bans that a lockdown has to lift.
pub(crate) async fn kept_bans(
    connection: &mut PgConnection,
    lockdown: Uuid,
    by: BannedBy,
) -> Result<Vec<Ban>> {
    let kept: Vec<Kept> = sqlx::query_as(
        r"SELECT b.key::uuid AS user_id, b.value #>> '{}' AS until_before
        FROM control_plane.lockdowns l, jsonb_each(coalesce(l.saved -> $2, '{}')) b
        WHERE l.lockdown_id = $1 ORDER BY 1",
    )
    .bind(lockdown)
    .bind(by.word())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read which users the lockdown banned"))?;
    let ban = |kept: Kept| Ban { user: UserId(kept.user_id), until_before: kept.until_before };
    Ok(kept.into_iter().map(ban).collect())
}

row! {
    /// A user whom a lockdown banned.
    struct Banned {
        user_id: Uuid,
        until_before: Option<String>,
        /// Whether another lockdown has to lift the ban, because they work in that tenant as well.
        is_shared: bool,
    }
}

/// Returns the users whom this lockdown banned through the admin API and whose bans it has to lift,
/// and how many others it handed to another lockdown, because they work in that tenant as well.
pub(crate) async fn hand_bans_over(
    connection: &mut PgConnection,
    lockdown: Uuid,
) -> Result<(Vec<Ban>, i64)> {
    let banned: Vec<Banned> = sqlx::query_as(
        r"WITH mine AS (
            SELECT b.key::uuid AS id, b.value AS before FROM control_plane.lockdowns l,
                jsonb_each(coalesce(l.saved -> $2, '{}')) b
            WHERE l.lockdown_id = $1
        ), theirs AS MATERIALIZED (
            SELECT o.lockdown_id, k.key::uuid AS id FROM control_plane.lockdowns o,
                jsonb_object_keys(coalesce(o.saved -> $2, '{}')) k(key)
            WHERE o.lifted_at IS NULL AND o.lockdown_id <> $1
            UNION
            SELECT o.lockdown_id, m.auth_user_id FROM control_plane.lockdowns o
            JOIN control_plane.user_mappings m ON m.tenant_id = o.tenant_id
                AND m.removed_at IS NULL AND (m.member_by IS NOT NULL OR EXISTS (
                    SELECT FROM control_plane.sessions s
                    WHERE s.user_id = m.auth_user_id AND s.tenant_id = m.tenant_id))
            WHERE o.lifted_at IS NULL AND o.lockdown_id <> $1
        ), shared AS (
            SELECT DISTINCT ON (mine.id) mine.id, mine.before, theirs.lockdown_id
            FROM mine JOIN theirs ON theirs.id = mine.id
        ), handed AS (
            UPDATE control_plane.lockdowns o SET saved = jsonb_set(saved, ARRAY[$2],
                s.bans || coalesce(saved -> $2, '{}'))
            FROM (SELECT lockdown_id, jsonb_object_agg(id, before) AS bans FROM shared
                GROUP BY lockdown_id) s
            WHERE o.lockdown_id = s.lockdown_id
        )
        SELECT mine.id AS user_id, mine.before #>> '{}' AS until_before,
            shared.id IS NOT NULL AS is_shared
        FROM mine LEFT JOIN shared ON shared.id = mine.id",
    )
    .bind(lockdown)
    .bind(BannedBy::AdminApi.word())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read which users the lockdown banned"))?;
    let (shared, mine): (Vec<_>, Vec<_>) = banned.into_iter().partition(|ban| ban.is_shared);
    let mine = mine
        .into_iter()
        .map(|ban| Ban { user: UserId(ban.user_id), until_before: ban.until_before });
    Ok((mine.collect(), i64::try_from(shared.len()).unwrap_or(i64::MAX)))
}

/// Announces that a lockdown is about to be lifted, and returns it as it is then, with all that was
/// kept of it; nothing when it was asked for again after it was read, or is closed.
pub(crate) async fn begin_lifting(
    connection: &mut PgConnection,
    lockdown: &Lockdown,
    actor: &Actor,
) -> Result<Option<Lockdown>> {
    let lifting = sqlx::query_as(
        r"UPDATE control_plane.lockdowns SET lifting_since = clock_timestamp(), lifting_by = $3
        WHERE lockdown_id = $1 AND lifted_at IS NULL AND cuts = $2
        RETURNING lockdown_id AS id, started_at, cuts, true AS is_lifting, saved",
    )
    .bind(lockdown.id)
    .bind(lockdown.cuts)
    .bind(actor.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("begin to lift the lockdown"))?;
    Ok(lifting)
}

row! {
    /// Who gives back what a lockdown cut.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Lifting {
        pub by: String,
        pub since: OffsetDateTime,
        /// Whether all of it is given back.
        pub is_over: bool,
    }
}

/// Returns who unlocks the tenant, or did; nothing while nobody does.
pub(crate) async fn find_lifting(
    connection: &mut PgConnection,
    lockdown: Uuid,
) -> Result<Option<Lifting>> {
    let found = sqlx::query_as(
        r"SELECT coalesce(lifted_by, lifting_by) AS by, coalesce(lifted_at, lifting_since) AS since,
            lifted_at IS NOT NULL AS is_over
        FROM control_plane.lockdowns
        WHERE lockdown_id = $1 AND coalesce(lifted_by, lifting_by) IS NOT NULL",
    )
    .bind(lockdown)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read who unlocks the tenant"))?;
    Ok(found)
}

/// Returns whether a lockdown is open and was not asked for again after it was read; holds it so until
/// the transaction ends.
pub(crate) async fn hold_lockdown(
    connection: &mut PgConnection,
    lockdown: &Lockdown,
) -> Result<bool> {
    let held: Option<bool> = sqlx::query_scalar(
        r"SELECT cuts = $2 FROM control_plane.lockdowns
        WHERE lockdown_id = $1 AND lifted_at IS NULL FOR UPDATE",
    )
    .bind(lockdown.id)
    .bind(lockdown.cuts)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("hold the lockdown"))?;
    Ok(held == Some(true))
}

/// Closes a lockdown; returns false when it was asked for again after it was read.
pub(crate) async fn lift_lockdown(
    connection: &mut PgConnection,
    lockdown: &Lockdown,
    actor: &Actor,
    reason: &Reason,
) -> Result<bool> {
    let done = sqlx::query(
        r"UPDATE control_plane.lockdowns SET lifted_at = clock_timestamp(), lifted_by = $2,
            lift_reason = $3
        WHERE lockdown_id = $1 AND lifted_at IS NULL AND cuts = $4",
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
