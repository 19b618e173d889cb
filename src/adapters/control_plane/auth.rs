//! Our tables and Supabase Auth's in one statement, where they are in the same database: who there
//! belongs to a tenant, whose session a revocation ends, whose ban an unlock lifts.
//!
//! What needs Auth's tables alone is in `auth_tables`.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::epochs::SessionScope;
use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};
use crate::model::{TenantId, UserId};

/// How many of Auth's rows are locked at once.
const AT_ONCE: i64 = 5_000;

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Returns the users who belong to a tenant: those whose claim names it, and without a claim those
/// whom an operator put there. Whoever works elsewhere now is none of them.
///
/// # Errors
/// When the tables may not be read.
pub(crate) async fn auth_members(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<UserId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r"SELECT u.id FROM auth.users u WHERE lower(u.raw_app_meta_data ->> 'tenant_id') = $1::text
        UNION SELECT m.auth_user_id FROM control_plane.user_mappings m
        JOIN auth.users u ON u.id = m.auth_user_id
        WHERE m.tenant_id = $1 AND m.member_by = 'operator' AND m.removed_at IS NULL
            AND u.raw_app_meta_data ->> 'tenant_id' IS NULL",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the tenant's users in Supabase Auth"))?;
    Ok(ids.into_iter().map(UserId).collect())
}

row! {
    /// How many bans were lifted, and how many were not.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct Lifted {
        pub lifted: i64,
        /// Of users who also belong to another tenant that is locked down.
        pub kept: i64,
    }
}

row! {
    /// Users whose turn it was.
    struct Turn {
        last: Option<Uuid>,
        lifted: i64,
        kept: i64,
    }
}

/// Gives the users a lockdown banned the ban back that they had before. Users who also belong to
/// another tenant that is locked down stay banned, and that lockdown lifts their bans.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn unban(connection: &mut PgConnection, lockdown: Uuid) -> Result<Lifted> {
    let (mut sum, mut after) = (Lifted::default(), Uuid::nil());
    loop {
        let turn = unban_some(connection, lockdown, after).await?;
        sum = Lifted { lifted: sum.lifted + turn.lifted, kept: sum.kept + turn.kept };
        match turn.last {
            Some(last) => after = last,
            None => return Ok(sum),
        }
    }
}

/// Does so for those who come next by their ids. Auth's rows are locked first and in that order, as by
/// a ban.
async fn unban_some(connection: &mut PgConnection, lockdown: Uuid, after: Uuid) -> Result<Turn> {
    let turn = sqlx::query_as(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true)), mine AS (
            SELECT b.key::uuid AS id, b.value AS before FROM control_plane.lockdowns l,
                jsonb_each(coalesce(l.saved -> 'banned', '{}')) b
            WHERE l.lockdown_id = $1 AND b.key::uuid > $2 AND (SELECT count(*) FROM own) = 1
            ORDER BY 1 LIMIT $3
        ), held AS (
            SELECT u.id, u.raw_app_meta_data ->> 'tenant_id' AS claim FROM auth.users u
            WHERE u.id = ANY (ARRAY(SELECT id FROM mine)) ORDER BY u.id FOR UPDATE
        ), shared AS (
            SELECT DISTINCT ON (mine.id) mine.id, mine.before, o.lockdown_id FROM mine
            JOIN held ON held.id = mine.id
            JOIN control_plane.lockdowns o ON o.lifted_at IS NULL AND o.lockdown_id <> $1 AND (
                lower(held.claim) = o.tenant_id::text
                OR held.claim IS NULL AND EXISTS (
                    SELECT FROM control_plane.user_mappings m
                    WHERE m.auth_user_id = mine.id AND m.tenant_id = o.tenant_id
                        AND m.member_by = 'operator' AND m.removed_at IS NULL))
        ), handed AS (
            UPDATE control_plane.lockdowns o SET saved = jsonb_set(saved, '{banned}',
                coalesce(saved -> 'banned', '{}') || s.bans)
            FROM (SELECT lockdown_id, jsonb_object_agg(id, before) AS bans FROM shared
                GROUP BY lockdown_id) s
            WHERE o.lockdown_id = s.lockdown_id
        ), lifted AS (
            UPDATE auth.users u SET banned_until = (mine.before #>> '{}')::timestamptz
            FROM mine JOIN held ON held.id = mine.id
            WHERE u.id = mine.id AND u.banned_until > now() + interval '99 years'
                AND mine.id NOT IN (SELECT id FROM shared)
            RETURNING u.id
        )
        SELECT (SELECT id FROM mine ORDER BY id DESC LIMIT 1) AS last,
            (SELECT count(*) FROM lifted) AS lifted, (SELECT count(*) FROM shared) AS kept",
    )
    .bind(lockdown)
    .bind(after)
    .bind(AT_ONCE)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("lift the bans in Supabase Auth"))?;
    Ok(turn)
}

/// Returns the sessions in Auth that a scope covers.
///
/// # Errors
/// When the tables may not be read.
async fn covered(connection: &mut PgConnection, scope: &SessionScope) -> Result<Vec<Uuid>> {
    let query = match scope {
        SessionScope::Session(jti) => sqlx::query_scalar(
            r"SELECT a.id FROM auth.sessions a WHERE a.id IN (
                SELECT control_plane.claim_uuid(to_jsonb($1::text))
                UNION SELECT control_plane.claim_uuid(to_jsonb(s.session_id))
                FROM control_plane.sessions s WHERE s.jti = $1) ORDER BY 1",
        )
        .bind(jti.as_str()),
        SessionScope::User(user) => {
            sqlx::query_scalar("SELECT id FROM auth.sessions WHERE user_id = $1 ORDER BY 1")
                .bind(user.0)
        }
        SessionScope::Tenant(tenant) => sqlx::query_scalar(
            r"SELECT a.id FROM auth.sessions a JOIN auth.users u ON u.id = a.user_id
            WHERE lower(u.raw_app_meta_data ->> 'tenant_id') = $1::text
            UNION SELECT a.id FROM auth.sessions a
            JOIN control_plane.sessions s ON s.session_id = a.id::text WHERE s.tenant_id = $1
            ORDER BY 1",
        )
        .bind(tenant.0),
        SessionScope::UserInTenant(user, tenant) => sqlx::query_scalar(
            r"SELECT a.id FROM auth.sessions a JOIN auth.users u ON u.id = a.user_id
            WHERE a.user_id = $1 AND (lower(u.raw_app_meta_data ->> 'tenant_id') = $2::text
                OR EXISTS (SELECT FROM control_plane.sessions s
                    WHERE s.session_id = a.id::text AND s.tenant_id = $2))
            ORDER BY 1",
        )
        .bind(user.0)
        .bind(tenant.0),
    };
    let ids = query.fetch_all(connection).await;
    Ok(ids.map_err(PgError::doing("find the sessions in Supabase Auth"))?)
}

/// Ends the sessions that a scope covers in Auth, so that none of them is refreshed; returns how many
/// there were. No user is banned: those who still may, sign in again.
///
/// A sign-in that also works in a tenant outside the scope stays; the token hook refuses the part
/// that was revoked. The revocation is committed by then.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn sign_out(connection: &mut PgConnection, scope: &SessionScope) -> Result<u64> {
    let mut ended = 0;
    let ids = covered(connection, scope).await?;
    // Auth locks its rows one by one; taken in the order of their ids, no two statements of ours
    // wait for each other. Some at a time, so that nobody waits for all of them.
    for some in ids.chunks(usize::try_from(AT_ONCE).unwrap_or(usize::MAX)) {
        let done = sqlx::query(
            r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
            DELETE FROM auth.sessions WHERE id = ANY (ARRAY(
                SELECT a.id FROM auth.sessions a
                WHERE a.id = ANY ($1) AND (SELECT count(*) FROM own) = 1
                    AND NOT EXISTS (SELECT FROM control_plane.session_states s
                        WHERE s.session_id = a.id::text AND s.state IN ('valid', 'expired'))
                ORDER BY a.id FOR UPDATE))",
        )
        .bind(some)
        .execute(&mut *connection)
        .await
        .map_err(PgError::doing("delete the sessions in Supabase Auth"))?;
        ended += done.rows_affected();
    }
    Ok(ended)
}

/// Returns the users whose proofs a revocation takes: of a single session nobody's.
///
/// # Errors
/// When the tables may not be read.
pub(crate) async fn users_covered(
    connection: &mut PgConnection,
    scope: &SessionScope,
) -> Result<Vec<UserId>> {
    Ok(match scope {
        SessionScope::Session(_) => Vec::new(),
        SessionScope::User(user) => vec![*user],
        SessionScope::Tenant(tenant) => auth_members(connection, *tenant).await?,
        SessionScope::UserInTenant(user, tenant) => {
            let members = auth_members(connection, *tenant).await?;
            members.into_iter().filter(|member| member == user).collect()
        }
    })
}

/// Deletes a user's sessions, apart from those of another tenant: every one that has a part in this
/// tenant, and where Auth names no other tenant, every one. A session with a part that is valid
/// elsewhere stays; the token hook refuses the part here.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn end_sessions_of_removed(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
) -> Result<u64> {
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        DELETE FROM auth.sessions d USING (
            SELECT a.id FROM auth.sessions a JOIN auth.users u ON u.id = a.user_id
            WHERE (SELECT count(*) FROM own) = 1 AND a.user_id = $1
                AND (coalesce(lower(u.raw_app_meta_data ->> 'tenant_id'), $2::text) = $2::text
                    OR EXISTS (
                    SELECT FROM control_plane.sessions s
                    WHERE s.session_id = a.id::text AND s.tenant_id = $2))
                AND NOT EXISTS (SELECT FROM control_plane.session_states s
                    WHERE s.session_id = a.id::text AND s.state IN ('valid', 'expired'))
            ORDER BY a.id FOR UPDATE OF a) ended
        WHERE d.id = ended.id",
    )
    .bind(user.0)
    .bind(tenant.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("delete the user's sessions in Supabase Auth"))?;
    Ok(done.rows_affected())
}
