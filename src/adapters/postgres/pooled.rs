//! Whether a session is one, or a pooler's promise of one.
//!
//! In transaction mode every transaction may run in another session of the server, so that settings,
//! locks and prepared statements are lost, sometimes. It is found when a session is opened, before
//! anything relies on it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

/// Asks whether what we said at the start of the session arrived with the start. A pooler speaks for
/// itself then, and sets what its clients want afterwards, if at all (`PgBouncer` `src/varcache.c`;
/// Supavisor likewise; read 2026-11). A pooler in session mode is told apart later.
pub(super) const SIGN: &str = "SELECT source = 'client', pg_catalog.pg_backend_pid() FROM pg_catalog.pg_settings \
     WHERE name = 'TimeZone'";

/// How long a second session may take that a pooler in transaction mode has at once.
const SECOND_TIMEOUT: Duration = Duration::from_secs(4);

/// How often the two are compared: while a pooler serves other clients, each round may find ours
/// where it was by chance. A pooler in session mode is asked this often once in a command.
const ROUNDS: usize = 48;

/// Poolers that were found to be in session mode, by where they are.
static IN_SESSION_MODE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Servers that were found to answer themselves.
static DIRECT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Remembers that a server itself answers at an address.
pub(super) fn found_direct(server: String) {
    let mut known = DIRECT.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains(&server) {
        known.push(server);
    }
}

/// Returns whether a server itself answered at an address before.
pub(super) fn is_direct(server: &str) -> bool {
    DIRECT.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|known| known == server)
}

/// That no session can be had at an address, but for a transaction each.
#[derive(Debug, thiserror::Error)]
#[error("a pooler in transaction mode answers there")]
pub(super) struct TransactionMode;

/// Makes sure that a connection through a pooler keeps its session.
///
/// # Errors
/// [`TransactionMode`] as sqlx's `Configuration`, and whatever else fails.
pub(super) async fn ensure_kept(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
    place: &str,
) -> Result<(), sqlx::Error> {
    let known = || IN_SESSION_MODE.lock().unwrap_or_else(PoisonError::into_inner);
    if known().iter().any(|known| known == place) {
        return Ok(());
    }
    if is_given_away(connection, options).await? {
        return Err(sqlx::Error::Configuration(Box::new(TransactionMode)));
    }
    known().push(place.to_owned());
    Ok(())
}

/// Returns whether the server's session that this connection has is given to another one between
/// its statements, or is another one afterwards.
async fn is_given_away(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
) -> Result<bool, sqlx::Error> {
    let own = session_of(connection).await?;
    let opening = tokio::time::timeout(SECOND_TIMEOUT, options.connect());
    // While a session is kept for us, a pooler may have no second one to give.
    let Ok(opened) = opening.await else { return Ok(false) };
    let mut second = opened?;
    let mut is_given_away = false;
    for _ in 0..ROUNDS {
        let Ok(other) = tokio::time::timeout(SECOND_TIMEOUT, taken_by(&mut second)).await else {
            // The second connection waits, since the first one keeps what it has.
            return Ok(false);
        };
        is_given_away = match other? {
            None => true,
            Some(other) => other == own || session_of(connection).await? != own,
        };
        if is_given_away {
            break;
        }
        sqlx::raw_sql("COMMIT").execute(&mut second).await?;
    }
    drop(second.close().await);
    Ok(is_given_away)
}

/// Begins a transaction and returns the server's session that it has; nothing where the pooler
/// allows no transaction of several statements (statement mode).
async fn taken_by(connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
    match sqlx::raw_sql("BEGIN").execute(&mut *connection).await {
        Err(error) if error.as_database_error().is_some() => return Ok(None),
        begun => begun?,
    };
    Ok(Some(session_of(connection).await?))
}

/// Returns the number of the server's process. Without a prepared statement: those are of another
/// session, perhaps.
async fn session_of(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    use sqlx::Row;
    let row = sqlx::raw_sql("SELECT pg_catalog.pg_backend_pid()").fetch_one(connection).await?;
    row.try_get(0)
}
