//! A sign that a session lives, for others on its server: it holds an advisory lock that nobody else
//! would take, and a row names it by that.

use sqlx::postgres::PgConnection;

use super::error::PgError;
use super::lock_rows::{HOLDERS, holder_of, new_token, take};

/// What a row needs for its session to be found alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifeSign {
    pub(crate) token: i64,
    pub(crate) pid: i32,
    pub(crate) role: i64,
}

/// Gives a session its sign; nothing where each statement runs in another session, as behind a pooler
/// in transaction mode.
pub(crate) async fn give_life_sign(
    connection: &mut PgConnection,
) -> Result<Option<LifeSign>, PgError> {
    let token = new_token();
    take(connection, token).await?;
    let holder = holder_of(connection, token).await?;
    Ok(holder.map(|holder| LifeSign { token, pid: holder.pid, role: holder.role }))
}

/// Returns the condition that the session lives that a row's `token`, `pid` and `role` name.
pub(crate) fn lives(row: &str) -> String {
    format!(
        "EXISTS (SELECT {HOLDERS} = {row}.token AND l.pid = {row}.pid \
         AND a.usesysid::bigint = {row}.role)"
    )
}
