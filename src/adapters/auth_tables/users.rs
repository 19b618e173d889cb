//! `auth.users`: who is banned, and who is in a project of a tenant's own.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::adapters::postgres::{PgError, row};
use crate::model::{Ban, TenantId, UserId};

type Result<T> = std::result::Result<T, PgError>;

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
    struct OwnUser {
        id: Uuid,
        until_before: Option<String>,
        is_by_lockdown: bool,
    }
}

/// Who can reach the data of a project that is a tenant's own.
#[derive(Debug, Default)]
pub(crate) struct OwnUsers {
    /// With the ban that each has; none of them a lockdown's.
    pub free: Vec<Ban>,
    /// Banned by a lockdown.
    pub banned: Vec<UserId>,
}

impl OwnUsers {
    pub(crate) fn all(&self) -> Vec<UserId> {
        self.free.iter().map(|ban| ban.user).chain(self.banned.iter().copied()).collect()
    }
}

/// Returns everybody in a tenant's own project: whatever their claim says, unless it names another
/// tenant, whose tokens the gate refuses.
///
/// # Errors
/// When the tables may not be read.
pub(crate) async fn own_users(connection: &mut PgConnection, tenant: TenantId) -> Result<OwnUsers> {
    let found: Vec<OwnUser> = sqlx::query_as(
        r"SELECT id, banned_until::text AS until_before,
            coalesce(banned_until > now() + interval '99 years', false) AS is_by_lockdown
        FROM auth.users
        WHERE (lower(raw_app_meta_data ->> 'tenant_id') <> $1::text AND raw_app_meta_data
            ->> 'tenant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') IS NOT TRUE
        ORDER BY id",
    )
    .bind(tenant.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the users of the project's own Supabase Auth"))?;
    let mut users = OwnUsers::default();
    for OwnUser { id, until_before, is_by_lockdown } in found {
        if is_by_lockdown {
            users.banned.push(UserId(id));
        } else {
            users.free.push(Ban { user: UserId(id), until_before });
        }
    }
    Ok(users)
}

/// Gives users the ban back that they had before; returns how many were banned by a lockdown until
/// now. Where none is, nothing is written.
///
/// # Errors
/// When the tables may not be written.
pub(crate) async fn give_back(connection: &mut PgConnection, bans: &[Ban]) -> Result<u64> {
    let users: Vec<_> = bans.iter().map(|ban| ban.user.0).collect();
    // A ban that was kept may never have been written: for want of the right to, too.
    let is_any: bool = sqlx::query_scalar(
        r"SELECT EXISTS (SELECT FROM auth.users
            WHERE id = ANY ($1) AND banned_until > now() + interval '99 years')",
    )
    .bind(&users)
    .fetch_one(&mut *connection)
    .await
    .map_err(PgError::doing("look for the bans in Supabase Auth"))?;
    if !is_any {
        return Ok(0);
    }
    let before: Vec<_> = bans.iter().map(|ban| ban.until_before.clone()).collect();
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        UPDATE auth.users u SET banned_until = held.before FROM (
            SELECT a.id, b.before::timestamptz AS before
            FROM unnest($1::uuid[], $2::text[]) b(id, before) JOIN auth.users a ON a.id = b.id
            WHERE a.banned_until > now() + interval '99 years' AND (SELECT count(*) FROM own) = 1
            ORDER BY a.id FOR UPDATE OF a) held
        WHERE u.id = held.id",
    )
    .bind(users)
    .bind(before)
    .execute(connection)
    .await
    .map_err(PgError::doing("lift the bans in Supabase Auth"))?;
    Ok(done.rows_affected())
}

pub(super) fn ids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}
