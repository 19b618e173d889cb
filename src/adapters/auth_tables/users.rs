//! `auth.users`: who is banned.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::adapters::postgres::{PgError, row};
use crate::model::{Ban, UserId};

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

pub(super) fn ids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}
