//! Locks that last as long as the session that holds them, and that no tenant's login can hold.
//!
//! An advisory lock alone protects nothing here: whoever may enter the database may take any, and
//! `pg_locks` shows everybody the keys that are held. So the lock is a row that no login is granted
//! anything on. It names the session that holds it by an advisory lock with a random key, its token,
//! which is this very session's or nobody's: who else takes that key is another process or another
//! role. A token ends with its session, for a client that was killed only when the server is done
//! with its statement, and is never used again; so who found one ended may replace it, if it is
//! still the one in the row.
//!
//! Locks are tried and polled with a deadline, never waited for in SQL: a session that waits in
//! `pg_advisory_lock` deadlocks with `CREATE INDEX CONCURRENTLY` on the same database (SQLSTATE
//! 40P01), and it does not give up at our deadline.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::blocker::{self, Blocker};
use super::endpoint::Endpoint;
use super::error::PgError;
use super::lock_rows::{self, LockTable, Occupant};
use crate::model::{Awaited, Classified, ErrorKind, Waiting};

/// How long to wait between two tries.
const POLL: Duration = Duration::from_millis(100);

/// A lock to take, and how an operator reads it.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(super) table: LockTable,
    /// The row's name: the realm, such as `tenant` or `ddl`, and the thing's id.
    pub(super) name: String,
    what: String,
    server: LockServer,
    /// Where it is told that it is waited for.
    waiting: Waiting,
}

impl Lock {
    /// Returns the lock of one thing within a realm, named `what` in messages; its row is in a
    /// table, and the session that holds it is on a server.
    pub(crate) fn new(
        table: LockTable,
        (realm, id): (&str, Uuid),
        what: impl Into<String>,
        server: LockServer,
    ) -> Self {
        Self {
            table,
            name: format!("{realm} {id}"),
            what: what.into(),
            server,
            waiting: Waiting::default(),
        }
    }

    /// Returns the same, and who waits for it tells that where the sessions of an endpoint do.
    #[must_use]
    pub(crate) fn told_like(self, endpoint: &Endpoint) -> Self {
        Self { waiting: endpoint.waits.waiting().clone(), ..self }
    }

    fn busy(&self, holder: Option<Blocker>) -> LockError {
        LockError::Busy { what: self.what.clone(), server: self.server, holder }
    }

    fn pooled(&self) -> LockError {
        LockError::Pooled { what: self.what.clone(), server: self.server }
    }
}

/// The server of the session that holds a lock. It decides which setting has to change when a
/// pooler answers.
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
    #[error("lock {what} on {server}: {} holds it", shown(holder.as_ref()))]
    Busy {
        what: String,
        server: LockServer,
        /// The session that holds it, as far as the server shows it to us.
        holder: Option<Blocker>,
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
            Self::Busy { holder, .. } => {
                let end = holder.as_ref().map(Blocker::hint);
                let wait = "pass a longer --timeout".to_owned();
                return Some(end.map_or(wait.clone(), |end| format!("{wait}, or {end}")));
            }
            Self::Pooled { server: LockServer::ControlPlane, .. } => "TENANTCTL_CONTROL_PLANE_URL",
            Self::Pooled { server: LockServer::Cluster, .. } => "TENANTCTL_CLUSTER_URL",
            // We choose a project's address ourselves, and always the port of session mode.
            Self::Pooled { server: LockServer::Project, .. } => return None,
        };
        Some(format!("set {setting} to the server itself or to its session-mode port"))
    }
}

/// Takes a lock whose row is in the database of the session that is to hold it, trying again until
/// the deadline; it is held for as long as the session lives. Taking it twice is harmless.
///
/// # Errors
/// [`LockError::Busy`] when the deadline passed, [`LockError::Pooled`] at once.
pub(crate) async fn hold_until(
    connection: &mut PgConnection,
    lock: &Lock,
    deadline: Instant,
) -> Result<(), LockError> {
    let token = lock_rows::new_token();
    let mut wait = LockWait::default();
    loop {
        let seen = match lock_rows::look_here(connection, lock.table, &lock.name, token).await {
            Err(error) if may_pass(&error, deadline) => None,
            seen => Some(seen?),
        };
        match seen {
            Some(Occupant::Ourselves) => return Ok(()),
            Some(Occupant::Nobody(last)) => {
                let (table, name) = (lock.table, &lock.name);
                if lock_rows::claim_here(connection, table, name, token, last).await? {
                    return Ok(());
                }
                // Another came first, or the session that took the token is not the one that
                // answers now.
                if lock_rows::holder_of(connection, token).await?.is_none() {
                    return Err(lock.pooled());
                }
            }
            Some(Occupant::Another(pid)) if Instant::now() + POLL > deadline => {
                return Err(lock.busy(blocker::describe(connection, pid).await?));
            }
            Some(Occupant::Another(pid)) => {
                wait.behind(lock, connection, pid).await?;
                tokio::time::sleep(POLL).await;
            }
            None => tokio::time::sleep(POLL).await,
        }
    }
}

/// Takes a lock whose row is kept elsewhere, on the `keeper`'s server, for the session `holder`.
///
/// # Errors
/// [`LockError::Busy`] when the deadline passed, [`LockError::Pooled`] at once.
pub(crate) async fn hold_for(
    keeper: &mut PgConnection,
    holder: &mut PgConnection,
    lock: &Lock,
    deadline: Instant,
) -> Result<(), LockError> {
    let token = lock_rows::new_token();
    lock_rows::take(holder, token).await?;
    let Some(ours) = lock_rows::holder_of(holder, token).await? else {
        return Err(lock.pooled());
    };
    let mut wait = LockWait::default();
    loop {
        let row = lock_rows::read(keeper, lock.table, &lock.name).await?;
        let occupant = match &row {
            None => Occupant::Nobody(None),
            Some(row) => lock_rows::judge(holder, row).await?,
        };
        match occupant {
            Occupant::Ourselves => return Ok(()),
            Occupant::Nobody(last) => {
                let (table, name) = (lock.table, &lock.name);
                if lock_rows::claim(keeper, table, name, (token, ours), last).await? {
                    return Ok(());
                }
            }
            Occupant::Another(pid) if Instant::now() + POLL > deadline => {
                return Err(lock.busy(blocker::describe(holder, pid).await?));
            }
            Occupant::Another(pid) => {
                wait.behind(lock, holder, pid).await?;
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// What is told while a lock is waited for: whose it is, asked once for each holder.
#[derive(Debug, Default)]
struct LockWait {
    told: Option<(i32, Awaited)>,
}

impl LockWait {
    async fn behind(
        &mut self,
        lock: &Lock,
        connection: &mut PgConnection,
        pid: i32,
    ) -> Result<(), PgError> {
        if self.told.as_ref().is_some_and(|(known, _)| *known == pid) {
            return Ok(());
        }
        let holder = blocker::describe(connection, pid).await?;
        let Lock { what, server, .. } = lock;
        let text = format!("the lock of {what} on {server}, held by {}", shown(holder.as_ref()));
        self.told = Some((pid, lock.waiting.held_up_by(text)));
        Ok(())
    }
}

fn shown(holder: Option<&Blocker>) -> String {
    holder.map_or("another session".to_owned(), ToString::to_string)
}

/// Returns whether the server has no room for another lock, which passes when the sessions that fill
/// its table end.
fn may_pass(error: &PgError, deadline: Instant) -> bool {
    error.is("53200") && Instant::now() + POLL < deadline
}
