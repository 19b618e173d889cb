//! Supabase Auth's own tables, where they are in the control plane's database: the only way to end a
//! session from outside.
//!
//! There is no admin route that logs a user out (supabase/auth `internal/api/api.go`, read
//! 2026-11); deleting the row of `auth.sessions` is upstream's own global logout and revokes refresh
//! tokens of both versions. An access token that was issued already is valid until it expires.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::epochs::SessionScope;
use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, row};
use crate::model::{TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// How many rows a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Swept {
    /// Of `auth.sessions`.
    pub sessions: u64,
    /// What was proven before and would open a session after: sign-ins under way, codes, links.
    pub proofs: u64,
}

/// Returns whether Auth's tables are here.
pub(crate) async fn has_auth(connection: &mut PgConnection) -> Result<bool> {
    let is_here = sqlx::query_scalar(
        "SELECT to_regclass('auth.users') IS NOT NULL AND to_regclass('auth.sessions') IS NOT NULL",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for Supabase Auth's tables"))?;
    Ok(is_here)
}

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
        r"SELECT u.id FROM auth.users u WHERE u.raw_app_meta_data ->> 'tenant_id' = $1::text
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

/// A ban that was written, and what it replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ban {
    pub user: UserId,
    /// Until when they were banned before, as text the server reads back.
    pub until_before: Option<String>,
}

row! {
    struct BanRow {
        id: Uuid,
        until_before: Option<String>,
    }
}

/// Bans users for a hundred years, which stops sign-in and refresh; returns those that were not
/// banned as long before. `infinity` would not be readable to Auth, which is written in Go.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn ban(connection: &mut PgConnection, users: &[UserId]) -> Result<Vec<Ban>> {
    let banned: Vec<BanRow> = sqlx::query_as(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        UPDATE auth.users u SET banned_until = now() + interval '100 years' FROM (
            SELECT id, banned_until FROM auth.users WHERE id = ANY ($1)
                AND (banned_until < now() + interval '99 years') IS NOT FALSE
                AND (SELECT count(*) FROM own) = 1
            ORDER BY id FOR UPDATE) before
        WHERE u.id = before.id RETURNING u.id, before.banned_until::text AS until_before",
    )
    .bind(ids(users))
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("ban the tenant's users in Supabase Auth"))?;
    let ban = |row: BanRow| Ban { user: UserId(row.id), until_before: row.until_before };
    Ok(banned.into_iter().map(ban).collect())
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

/// Gives the users a lockdown banned the ban back that they had before. Users who also belong to
/// another tenant that is locked down stay banned, and that lockdown lifts their bans.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn unban(connection: &mut PgConnection, lockdown: Uuid) -> Result<Lifted> {
    let lifted = sqlx::query_as(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true)), mine AS (
            SELECT b.key::uuid AS id, b.value AS before FROM control_plane.lockdowns l,
                jsonb_each(coalesce(l.saved -> 'banned', '{}')) b
            WHERE l.lockdown_id = $1 AND (SELECT count(*) FROM own) = 1
        ), shared AS (
            SELECT DISTINCT ON (mine.id) mine.id, mine.before, o.lockdown_id FROM mine
            JOIN auth.users u ON u.id = mine.id
            JOIN control_plane.lockdowns o ON o.lifted_at IS NULL AND o.lockdown_id <> $1 AND (
                u.raw_app_meta_data ->> 'tenant_id' = o.tenant_id::text
                OR u.raw_app_meta_data ->> 'tenant_id' IS NULL AND EXISTS (
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
            UPDATE auth.users u SET banned_until = (mine.before #>> '{}')::timestamptz FROM mine
            WHERE u.id = mine.id AND u.banned_until > now() + interval '99 years'
                AND mine.id NOT IN (SELECT id FROM shared)
            RETURNING u.id
        )
        SELECT (SELECT count(*) FROM lifted) AS lifted, (SELECT count(*) FROM shared) AS kept",
    )
    .bind(lockdown)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("lift the bans in Supabase Auth"))?;
    Ok(lifted)
}

/// A statement that takes from users what would open a session for them, where its table is there: an
/// older Auth does not have all of them.
struct Proof {
    table: &'static str,
    statement: &'static str,
}

/// Sign-ins under way and their codes, codes of Auth's OAuth server, links, and the columns that typed
/// codes are compared with (supabase/auth `internal/models/`, read 2026-11: the rows of
/// `one_time_tokens` and those columns say nothing of each other). A first confirmation and an
/// invitation stay.
const PROOFS: [Proof; 4] = [
    Proof {
        table: "auth.flow_state",
        statement: "DELETE FROM auth.flow_state WHERE user_id = ANY ($1)",
    },
    Proof {
        table: "auth.oauth_authorizations",
        statement: "DELETE FROM auth.oauth_authorizations WHERE user_id = ANY ($1)",
    },
    Proof {
        table: "auth.one_time_tokens",
        statement: r"DELETE FROM auth.one_time_tokens o USING auth.users u
            WHERE o.user_id = ANY ($1) AND u.id = o.user_id AND (
                o.token_type::text <> 'confirmation_token'
                OR num_nonnulls(u.email_confirmed_at, u.phone_confirmed_at) > 0)",
    },
    Proof {
        table: "auth.users",
        statement: r"UPDATE auth.users u SET recovery_token = '', email_change_token_new = '',
                email_change_token_current = '', phone_change_token = '',
                reauthentication_token = '', confirmation_token = CASE
                    WHEN num_nonnulls(u.email_confirmed_at, u.phone_confirmed_at) > 0 THEN ''
                    ELSE u.confirmation_token END
            FROM (SELECT id FROM auth.users WHERE id = ANY ($1) AND (
                    concat(recovery_token, email_change_token_new, email_change_token_current,
                        phone_change_token, reauthentication_token) <> ''
                    OR confirmation_token <> ''
                        AND num_nonnulls(email_confirmed_at, phone_confirmed_at) > 0)
                ORDER BY id FOR UPDATE) held
            WHERE u.id = held.id",
    },
];

/// Deletes sessions, sign-ins under way and what else was proven before. The ban comes first:
/// otherwise a client refreshes between the two.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn sweep(connection: &mut PgConnection, users: &[UserId]) -> Result<Swept> {
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        DELETE FROM auth.sessions d USING (
            SELECT id FROM auth.sessions
            WHERE user_id = ANY ($1) AND (SELECT count(*) FROM own) = 1
            ORDER BY id FOR UPDATE) ended
        WHERE d.id = ended.id",
    )
    .bind(ids(users))
    .execute(&mut *connection)
    .await
    .map_err(PgError::doing("delete the sessions in Supabase Auth"))?;
    let proofs = end_proofs(connection, users).await?;
    Ok(Swept { sessions: done.rows_affected(), proofs })
}

/// Takes from users what would open a session for them; returns how many rows there were.
async fn end_proofs(connection: &mut PgConnection, users: &[UserId]) -> Result<u64> {
    let doing = || PgError::doing("end the sign-ins under way in Supabase Auth");
    let users = ids(users);
    let mut ended = 0;
    for Proof { table, statement } in PROOFS {
        let is_here: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .map_err(doing())?;
        if is_here {
            let done = sqlx::query(statement).bind(&users).execute(&mut *connection).await;
            ended += done.map_err(doing())?.rows_affected();
        }
    }
    Ok(ended)
}

/// Ends what a scope covers in Auth, so that nothing of it is refreshed; returns how many sessions
/// there were. No user is banned: those who still may, sign in again.
///
/// A sign-in that also works in a tenant outside the scope stays; the token hook refuses the part
/// that was revoked. The revocation is committed by then.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn sign_out(connection: &mut PgConnection, scope: &SessionScope) -> Result<u64> {
    let (id, user, tenant) = scope.filter();
    // Auth locks its rows one by one; taken in the order of their ids, no two statements of ours
    // wait for each other.
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        DELETE FROM auth.sessions d USING (
            SELECT a.id FROM auth.sessions a JOIN auth.users u ON u.id = a.user_id
            WHERE (SELECT count(*) FROM own) = 1 AND ($1::text IS NULL OR a.id::text = $1 OR EXISTS (
                    SELECT FROM control_plane.sessions s
                    WHERE s.jti = $1 AND s.session_id = a.id::text))
                AND ($2::uuid IS NULL OR a.user_id = $2)
                AND ($3::uuid IS NULL OR u.raw_app_meta_data ->> 'tenant_id' = $3::text OR EXISTS (
                    SELECT FROM control_plane.sessions s
                    WHERE s.session_id = a.id::text AND s.tenant_id = $3))
                AND NOT EXISTS (SELECT FROM control_plane.session_states s
                    WHERE s.session_id = a.id::text AND s.state IN ('valid', 'expired'))
            ORDER BY a.id FOR UPDATE OF a) ended
        WHERE d.id = ended.id",
    )
    .bind(id)
    .bind(user)
    .bind(tenant)
    .execute(&mut *connection)
    .await
    .map_err(PgError::doing("delete the sessions in Supabase Auth"))?;
    let users = match scope {
        SessionScope::Session(_) => Vec::new(),
        SessionScope::User(user) => vec![*user],
        SessionScope::Tenant(tenant) => auth_members(connection, *tenant).await?,
        SessionScope::UserInTenant(user, tenant) => {
            let members = auth_members(connection, *tenant).await?;
            members.into_iter().filter(|member| member == user).collect()
        }
    };
    end_proofs(connection, &users).await?;
    Ok(done.rows_affected())
}

fn ids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}
