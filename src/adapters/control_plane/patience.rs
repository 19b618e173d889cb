//! Changes to what logins use. Whoever comes while a statement waits for a table's lock waits behind it,
//! and whoever needs a row that its transaction holds; a sign-in has two seconds (Auth's limit for the
//! hook). So a lock is asked for a moment at a time.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{self, Endpoint, MigrateError, PgError, Purpose};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// The pause between two tries, in which logins go on.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets the statements of a transaction, which may hold rows that logins need, wait for no lock longer
/// than a moment.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn wait_briefly(transaction: &mut PgConnection) -> Result<()> {
    let text = format!("SET LOCAL lock_timeout = {}", Purpose::MOMENT.as_millis());
    let set = sqlx::raw_sql(AssertSqlSafe(text)).execute(transaction).await;
    set.map_err(PgError::doing("bound the transaction's waits"))?;
    Ok(())
}

/// Runs work that waits for no lock longer than a moment, from its beginning again each time one was not
/// to be had, until the deadline. It must leave nothing behind when it fails.
///
/// # Errors
/// What the work failed with; [`ControlPlaneError::Held`] when the lock never became free.
pub(crate) async fn patiently<T>(
    connection: &mut PgConnection,
    endpoint: &Endpoint,
    deadline: Instant,
    mut work: impl AsyncFnMut(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    let mut error = match work(connection).await {
        Err(error) if passes(&error) => error,
        done => return done,
    };
    // From another session, while ours waits: afterwards nobody is in its way.
    let watch = postgres::connect(endpoint, Purpose::query("watch")).await;
    let mut watch = watch.ok();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *connection)
        .await
        .map_err(PgError::doing("ask for the session's process"))?;
    let mut holder = None;
    while Instant::now() < deadline {
        tokio::time::sleep(PAUSE).await;
        let look = async {
            tokio::time::sleep(Purpose::MOMENT / 2).await;
            match &mut watch {
                Some(watch) => postgres::blocker_of(watch, pid).await.ok().flatten(),
                None => None,
            }
        };
        let (done, seen) = tokio::join!(work(&mut *connection), look);
        holder = seen.or(holder);
        error = match done {
            Err(again) if passes(&again) => again,
            done => return done,
        };
    }
    Err(ControlPlaneError::Held { holder, source: Box::new(error) })
}

/// Returns whether only a lock was in the way.
fn passes(error: &ControlPlaneError) -> bool {
    let fault = match error {
        ControlPlaneError::Postgres(error)
        | ControlPlaneError::Migrate(MigrateError::Postgres(error)) => error.fault(),
        ControlPlaneError::Migrate(MigrateError::Failed { fault, .. }) => Some(&**fault),
        _ => None,
    };
    fault.is_some_and(|fault| ["55P03", "40P01"].iter().any(|code| fault.is(code)))
}
