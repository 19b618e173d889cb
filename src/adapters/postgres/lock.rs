//! Advisory locks: tried and polled with a deadline, never waited for in SQL.
//!
//! A session that *waits* in `pg_advisory_lock` deadlocks with `CREATE INDEX CONCURRENTLY` on the
//! same database (SQLSTATE 40P01), and it does not give up at our deadline.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::PgError;
use crate::model::{Classified, ErrorKind, escape_controls, sha256};

/// How long to wait between two tries.
const POLL: Duration = Duration::from_millis(100);

/// The number an advisory lock is held under. Two things with one number only wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockKey(i64);

impl LockKey {
    /// Returns the key of one thing, within one realm such as `tenant` or `ddl`.
    pub fn of(realm: &str, id: Uuid) -> Self {
        let mut text = realm.as_bytes().to_vec();
        text.extend_from_slice(id.as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(&sha256(&text)[..8]);
        Self(i64::from_be_bytes(first))
    }
}

/// A lock to take: the key, and how an operator reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    key: LockKey,
    what: String,
    server: LockServer,
}

impl Lock {
    /// Returns the lock of one thing, named `what` in messages, on a server.
    pub(crate) fn new(key: LockKey, what: impl Into<String>, server: LockServer) -> Self {
        Self { key, what: what.into(), server }
    }
}

/// The server that keeps a lock. It decides which setting has to change when a pooler answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockServer {
    /// The control plane's.
    ControlPlane,
    /// The one for tenants of placement `database`.
    Cluster,
    /// The one of a Supabase project.
    Project,
}

impl fmt::Display for LockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlPlane => "the control plane",
            Self::Cluster => "the cluster",
            Self::Project => "the project's server",
        })
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The server or the connection to it.
    #[error(transparent)]
    Postgres(#[from] PgError),
    /// Another session held it until the deadline.
    #[error("lock {what} on {server}: {} holds it", holder.as_deref().unwrap_or("another session"))]
    Busy {
        what: String,
        server: LockServer,
        /// The session that holds it, as far as the server shows it to us.
        holder: Option<String>,
    },
    /// The server granted the lock and a second statement does not see it: each statement runs in
    /// another session, so no lock protects anything.
    #[error(
        "lock {what} on {server}: a pooler in transaction mode answers there, and locks need a \
         session of their own"
    )]
    Pooled { what: String, server: LockServer },
}

impl Classified for LockError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => error.kind(),
            Self::Busy { .. } => ErrorKind::Conflict,
            Self::Pooled { .. } => ErrorKind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        let setting = match self {
            Self::Postgres(error) => return error.hint(),
            Self::Busy { .. } => return Some("wait for it, or pass a longer --timeout".to_owned()),
            Self::Pooled { server: LockServer::ControlPlane, .. } => "TENANTCTL_CONTROL_PLANE_URL",
            Self::Pooled { server: LockServer::Cluster, .. } => "TENANTCTL_CLUSTER_URL",
            // We choose a project's address ourselves, and always the port of session mode.
            Self::Pooled { server: LockServer::Project, .. } => return None,
        };
        Some(format!("set {setting} to the server itself or to its session-mode port"))
    }
}

/// Takes the lock, trying again until the deadline; it is held for as long as the session lives.
///
/// # Errors
/// [`LockError::Busy`] when the deadline passed, [`LockError::Pooled`] at once.
pub(crate) async fn hold_until(
    connection: &mut PgConnection,
    lock: &Lock,
    deadline: Instant,
) -> Result<(), LockError> {
    while !try_hold(connection, lock.key).await? {
        if Instant::now() + POLL > deadline {
            let holder = holder(connection, lock.key).await?;
            return Err(LockError::Busy { what: lock.what.clone(), server: lock.server, holder });
        }
        tokio::time::sleep(POLL).await;
    }
    if is_held(connection, lock.key).await? {
        Ok(())
    } else {
        Err(LockError::Pooled { what: lock.what.clone(), server: lock.server })
    }
}

async fn try_hold(connection: &mut PgConnection, key: LockKey) -> Result<bool, PgError> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(key.0)
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("take an advisory lock"))
}

/// Asks in a second statement whether the lock is this session's.
async fn is_held(connection: &mut PgConnection, key: LockKey) -> Result<bool, PgError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
         AND pid = pg_backend_pid() AND objsubid = 1 \
         AND ((classid::bigint << 32) | objid::bigint) = $1)",
    )
    .bind(key.0)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("see an advisory lock held"))
}

/// Returns the session that holds the lock: its program, its server process and since when.
async fn holder(connection: &mut PgConnection, key: LockKey) -> Result<Option<String>, PgError> {
    let found: Option<String> = sqlx::query_scalar(
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
    Ok(found.map(|session| escape_controls(&session)))
}
