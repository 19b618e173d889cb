//! Sessions: opened with a deadline and with settings that nothing outside can change.
//!
//! It never retries: the caller knows whether a second attempt is safe.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::error::{PgError, ServerFault};
use super::quote::literal;
use super::statements::{place, with_events};

/// How long a server may take to answer a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a session is for; it decides the session's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// Shown in `pg_stat_activity` as `tenantctl/<name>`.
    pub name: &'static str,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How soon the server notices that we are gone and cancels our statement; zero means never.
    pub client_check: Duration,
}

impl Purpose {
    /// Short reads and writes.
    pub(crate) const fn query(name: &'static str) -> Self {
        Self {
            name,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            client_check: Duration::from_secs(1),
        }
    }

    /// Statements that create: long, and cancelled at once when we are gone, so that a killed
    /// command leaves nothing running behind it.
    pub(crate) const fn build(name: &'static str) -> Self {
        Self {
            name,
            statement_timeout: Duration::from_mins(10),
            lock_timeout: Duration::from_secs(10),
            client_check: Duration::from_millis(200),
        }
    }

    /// Statements that drop: never cut short, since a `DROP DATABASE` that was leaves half a
    /// database (`datconnlimit = -2`).
    pub(crate) const fn destroy(name: &'static str) -> Self {
        Self { client_check: Duration::ZERO, ..Self::build(name) }
    }

    /// Migrations: a waiting `ALTER TABLE` blocks every reader behind it, so it gives up soon.
    pub(crate) const fn migrate(name: &'static str) -> Self {
        Self { lock_timeout: Duration::from_secs(3), ..Self::build(name) }
    }

    /// Returns the statements that set them; files rely on `standard_conforming_strings`.
    pub(super) fn settings(self) -> String {
        format!(
            "SET search_path = pg_catalog; SET standard_conforming_strings = on; \
             SET statement_timeout = {}; SET lock_timeout = {}; \
             SET idle_in_transaction_session_timeout = 60000; SET client_min_messages = warning; \
             SET client_connection_check_interval = {}; SET application_name = {}",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
            self.client_check.as_millis(),
            literal(&application_name(self.name)),
        )
    }
}

/// Opens a session.
///
/// # Errors
/// When the server cannot be reached within ten seconds or refuses the login.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    purpose: Purpose,
) -> Result<PgConnection, PgError> {
    let failed = |error: sqlx::Error| PgError::Connect {
        target: target(endpoint),
        fault: Box::new(error.into()),
    };
    let opening = async {
        let mut connection = options(endpoint).connect().await?;
        sqlx::raw_sql(AssertSqlSafe(purpose.settings())).execute(&mut connection).await?;
        Ok(connection)
    };
    let began = Instant::now();
    let opened = match tokio::time::timeout(CONNECT_TIMEOUT, opening).await {
        Ok(opened) => opened.map_err(failed),
        Err(_elapsed) => Err(PgError::ConnectTimeout {
            target: target(endpoint),
            seconds: CONNECT_TIMEOUT.as_secs(),
        }),
    };
    tracing::debug!(
        "{}: connect as {} to {}: {} in {:.1} ms",
        place(endpoint),
        endpoint.user,
        purpose.name,
        outcome(&opened),
        began.elapsed().as_secs_f64() * 1000.0
    );
    opened
}

fn outcome(opened: &Result<PgConnection, PgError>) -> String {
    match opened {
        Ok(_) => "connected".to_owned(),
        Err(error) => error.fault().map_or("timed out".to_owned(), ServerFault::code),
    }
}

/// Returns a pool that opens its sessions when they are first needed.
pub(crate) fn pool(endpoint: &Endpoint, purpose: Purpose, size: u32) -> PgPool {
    let settings = purpose.settings();
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options(endpoint))
}

impl Endpoint {
    /// Ends a session; a failure to do so changes nothing that was done.
    pub async fn close(connection: PgConnection) {
        drop(connection.close().await);
    }
}

fn options(endpoint: &Endpoint) -> PgConnectOptions {
    with_events(endpoint.options(), endpoint)
}

fn target(endpoint: &Endpoint) -> String {
    format!("{}:{}/{} as {}", endpoint.host_text(), endpoint.port, endpoint.database, endpoint.user)
}

/// Returns `tenantctl/<purpose> <host>:<pid>`, cut to the 63 bytes Postgres keeps: it is how the
/// holder of a lock is named in the message of a command that waits for it.
fn application_name(purpose: &str) -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let pid = std::process::id();
    let mut name = format!("tenantctl/{purpose} {machine}:{pid}");
    while name.len() > 63 {
        name.pop();
    }
    name
}
