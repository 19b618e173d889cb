//! Advisory locks: tried and polled with a deadline, never waited for in SQL.
//!
//! A session that *waits* in `pg_advisory_lock` deadlocks with `CREATE INDEX CONCURRENTLY` on the
//! same database (SQLSTATE 40P01), and it cannot be told to give up.

use std::time::Duration;

use aws_lc_rs::digest;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::PgError;

/// How long to wait between two tries.
const POLL: Duration = Duration::from_millis(100);

/// The number an advisory lock is held under. A collision only makes somebody wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockKey(i64);

impl LockKey {
    /// Returns the key of one thing, within one realm such as `tenant` or `ddl`.
    pub fn of(realm: &str, id: Uuid) -> Self {
        let mut text = realm.as_bytes().to_vec();
        text.extend_from_slice(id.as_bytes());
        let hash = digest::digest(&digest::SHA256, &text);
        let mut first = [0_u8; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        Self(i64::from_be_bytes(first))
    }
}

/// How a wait for a lock ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockOutcome {
    /// The session holds it, proved by a second statement.
    Held,
    /// Somebody else still held it when the time was up; who, as far as the server says.
    Busy(Option<String>),
    /// The server said yes and a second statement saw no lock: something between us and it hands
    /// every statement to another session, so no lock can protect anything.
    Pooled,
}

/// Takes the lock if it is free.
///
/// # Errors
/// When the server does not answer.
pub async fn try_hold(connection: &mut PgConnection, key: LockKey) -> Result<LockOutcome, PgError> {
    let doing = PgError::doing("take an advisory lock");
    let (is_taken,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(key.0)
        .fetch_one(&mut *connection)
        .await
        .map_err(&doing)?;
    if !is_taken {
        return Ok(LockOutcome::Busy(holder(connection, key).await?));
    }
    let (is_ours,): (bool,) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
         AND pid = pg_backend_pid() AND objsubid = 1 \
         AND ((classid::bigint << 32) | objid::bigint) = $1)",
    )
    .bind(key.0)
    .fetch_one(connection)
    .await
    .map_err(&doing)?;
    Ok(if is_ours { LockOutcome::Held } else { LockOutcome::Pooled })
}

/// Takes the lock, trying again until the deadline.
///
/// # Errors
/// When the server does not answer.
pub async fn hold_until(
    connection: &mut PgConnection,
    key: LockKey,
    deadline: Instant,
) -> Result<LockOutcome, PgError> {
    loop {
        let outcome = try_hold(connection, key).await?;
        if !matches!(outcome, LockOutcome::Busy(_)) || Instant::now() + POLL > deadline {
            return Ok(outcome);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Gives the lock back.
///
/// # Errors
/// When the server does not answer.
pub async fn release(connection: &mut PgConnection, key: LockKey) -> Result<(), PgError> {
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(key.0)
        .execute(connection)
        .await
        .map_err(PgError::doing("give an advisory lock back"))?;
    Ok(())
}

/// Returns who holds the lock, as the server knows it: program, process and since when.
///
/// # Errors
/// When the server does not answer.
pub async fn holder(
    connection: &mut PgConnection,
    key: LockKey,
) -> Result<Option<String>, PgError> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT coalesce(nullif(a.application_name, ''), 'unknown program') || ' (server process ' \
         || l.pid || coalesce(', since ' || to_char(a.backend_start AT TIME ZONE 'UTC', \
         'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '') || ')' \
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND ((l.classid::bigint << 32) | l.objid::bigint) = $1 LIMIT 1",
    )
    .bind(key.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("ask who holds an advisory lock"))?;
    Ok(found.map(|(who,)| crate::model::escape_controls(&who)))
}
