//! Sessions: opened with a deadline and with settings that nothing outside can change.
//!
//! It tries again only while every connection of the server is taken: nothing has happened then.
//! Whether a second attempt is safe after anything else, the caller knows.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::error::{PgError, ServerFault};
use super::pooled::{self, SIGN, TransactionMode, ensure_kept};
use super::quote::literal;
use super::statements::{place, with_events};
use super::waits::is_full;
use crate::model::Patience;

/// How long a server may take to answer a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long before the command's deadline a statement ends at the server.
const BEFORE_THE_END: Duration = Duration::from_millis(200);

/// The shortest limit of a statement: none would be no limit.
const SHORTEST: Duration = Duration::from_millis(50);

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
    /// How long one statement waits for a lock that logins may need.
    pub(crate) const MOMENT: Duration = Duration::from_millis(400);

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

    /// Changes to what logins use: whoever waits for a lock there gives up after a moment, and tries
    /// again.
    pub(crate) const fn upgrade(name: &'static str) -> Self {
        Self { lock_timeout: Self::MOMENT, ..Self::build(name) }
    }

    /// Returns the same for a command that may take so long: with a deadline of its own no statement
    /// outlasts it, and a statement may wait for a lock until then. What drops is never cut short.
    pub(super) fn within(self, patience: Patience) -> Self {
        let Some(left) = patience.left() else { return self };
        // Before we give up ourselves, so that the server says what was in the way.
        let left = left.saturating_sub(BEFORE_THE_END).max(SHORTEST);
        let is_brief = self.lock_timeout < Self::query("").lock_timeout;
        // Before the statement ends for its own time: the server names only one of the two.
        let for_locks = left.saturating_sub(SHORTEST).max(SHORTEST / 2);
        let lock_timeout = if is_brief { for_locks.min(self.lock_timeout) } else { for_locks };
        let statement_timeout = match self.client_check {
            Duration::ZERO => self.statement_timeout,
            _ => left,
        };
        Self { statement_timeout, lock_timeout, ..self }
    }

    /// Returns the statements that set them; files rely on `standard_conforming_strings`.
    pub(super) fn settings(self) -> String {
        let set = |(name, value): (&str, String)| format!("SET {name} = {}", literal(&value));
        self.values().map(set).join("; ")
    }

    fn values(self) -> [(&'static str, String); 8] {
        let in_ms = |limit: Duration| limit.as_millis().to_string();
        [
            ("search_path", "pg_catalog".to_owned()),
            ("standard_conforming_strings", "on".to_owned()),
            ("statement_timeout", in_ms(self.statement_timeout)),
            ("lock_timeout", in_ms(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
            ("client_min_messages", "warning".to_owned()),
            ("client_connection_check_interval", in_ms(self.client_check)),
            ("application_name", application_name(self.name)),
        ]
    }
}

/// Further settings of a session, by name.
pub(crate) type Stance<'s> = &'s [(&'static str, String)];

/// Opens a session with further settings, all of them in the packet that it starts with where the
/// server itself is known to answer; returns whether they are there. A pooler would keep or refuse
/// them, so who relies on them looks whether they came.
///
/// # Errors
/// As for [`connect`].
pub(crate) async fn connect_on(
    endpoint: &Endpoint,
    purpose: Purpose,
    stance: Stance<'_>,
) -> Result<(PgConnection, bool), PgError> {
    if !pooled::is_direct(&server(endpoint)) {
        return Ok((connect(endpoint, purpose).await?, false));
    }
    match patiently(endpoint, purpose, Some(stance)).await {
        // Not the server, nor the login, but what the packet asks for: said better by statements.
        Err(error) if ASKED_TOO_MUCH.iter().any(|code| error.is(code)) => {
            Ok((connect(endpoint, purpose).await?, false))
        }
        opened => Ok((opened?, true)),
    }
}

/// What is answered to settings in the first packet: no privilege, no such role or value, no such
/// parameter at a pooler.
const ASKED_TOO_MUCH: [&str; 5] = ["42501", "22023", "42704", "08P01", "0A000"];

/// Opens a session. While every connection of the server is taken, it waits for one as long as the
/// endpoint's patience lasts.
///
/// # Errors
/// When the server cannot be reached within ten seconds, refuses the login, has no free connection
/// in time, or gives no session of our own.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    purpose: Purpose,
) -> Result<PgConnection, PgError> {
    patiently(endpoint, purpose, None).await
}

async fn patiently(
    endpoint: &Endpoint,
    purpose: Purpose,
    stance: Option<Stance<'_>>,
) -> Result<PgConnection, PgError> {
    let mut wait = endpoint.waits.begin(server(endpoint));
    let mut full = None;
    loop {
        match Box::pin(attempt(endpoint, purpose, stance)).await {
            Err(error @ PgError::Full { .. }) => {
                if !wait.goes_on().await {
                    return Err(error);
                }
                full = Some(error);
            }
            // The time ran out in the last attempt; what was answered before says why.
            Err(error @ PgError::ConnectTimeout { .. }) => return Err(full.unwrap_or(error)),
            opened => return opened,
        }
    }
}

async fn attempt(
    endpoint: &Endpoint,
    purpose: Purpose,
    stance: Option<Stance<'_>>,
) -> Result<PgConnection, PgError> {
    let options = options(endpoint);
    let opening = async {
        let Some(stance) = stance else {
            let mut connection = options.connect().await?;
            prepare(&mut connection, purpose, endpoint).await?;
            return Ok(connection);
        };
        let settings = purpose.within(endpoint.waits.patience()).values();
        options
            .options(settings.iter().chain(stance).map(|(name, value)| (name, value)))
            .connect()
            .await
    };
    let began = Instant::now();
    let patience = endpoint.waits.patience();
    let limit = patience.bound(CONNECT_TIMEOUT);
    // What the operator allowed in all, where that is what runs out.
    let allowed = if limit < CONNECT_TIMEOUT { patience.length() } else { limit };
    let opened = match tokio::time::timeout(limit, opening).await {
        Ok(opened) => opened.map_err(|error| refused(target(endpoint), endpoint, error)),
        Err(_elapsed) => {
            Err(PgError::ConnectTimeout { target: target(endpoint), seconds: tenths(allowed) })
        }
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

/// Sets a new session's settings, and makes sure that it is one.
async fn prepare(
    connection: &mut PgConnection,
    purpose: Purpose,
    endpoint: &Endpoint,
) -> Result<(), sqlx::Error> {
    let settings = purpose.within(endpoint.waits.patience()).settings();
    let statements = format!("{settings}; {SIGN}");
    let row = sqlx::raw_sql(AssertSqlSafe(statements)).fetch_one(&mut *connection).await?;
    seen_process(endpoint, sqlx::Row::try_get(&row, 1)?);
    if sqlx::Row::try_get::<bool, _>(&row, 0)? {
        pooled::found_direct(server(endpoint));
        return Ok(());
    }
    ensure_kept(connection, &options(endpoint), &place(endpoint)).await
}

/// Remembers a session's process at the server, so that who is in its way is looked for by it.
pub(crate) fn seen_process(endpoint: &Endpoint, pid: i32) {
    let beside = || options(endpoint).application_name(&application_name("watch"));
    endpoint.waits.watched().opened(&server(endpoint), pid, beside);
}

/// Returns what it means that no session came about at a target.
pub(crate) fn refused(target: String, endpoint: &Endpoint, error: sqlx::Error) -> PgError {
    if let sqlx::Error::Configuration(source) = &error
        && source.is::<TransactionMode>()
    {
        return PgError::Pooled { target };
    }
    let fault = Box::new(ServerFault::from(error).of(endpoint.setting.clone()));
    if is_full(&fault) {
        PgError::Full { target, seconds: tenths(endpoint.waits.patience().length()), fault }
    } else {
        PgError::Connect { target, fault }
    }
}

/// Returns seconds, to the tenth.
fn tenths(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

fn outcome(opened: &Result<PgConnection, PgError>) -> String {
    match opened {
        Ok(_) => "connected".to_owned(),
        Err(error) => error.fault().map_or("timed out".to_owned(), ServerFault::code),
    }
}

/// Returns a pool that opens its sessions when they are first needed.
pub(crate) fn pool(endpoint: &Endpoint, purpose: Purpose, size: u32) -> PgPool {
    let own = endpoint.clone();
    let pool = PgPoolOptions::new()
        .max_connections(size)
        // The pool goes on trying by itself while every connection is taken; who asks beside it for
        // the reason has an answer before.
        .acquire_timeout(CONNECT_TIMEOUT + endpoint.waits.patience().length())
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let endpoint = own.clone();
            Box::pin(async move { prepare(connection, purpose, &endpoint).await })
        })
        .connect_lazy_with(options(endpoint));
    endpoint.waits.may_take_from(&pool);
    pool
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

fn server(endpoint: &Endpoint) -> String {
    format!("{}:{}", endpoint.host_text(), endpoint.port)
}

fn target(endpoint: &Endpoint) -> String {
    format!("{}:{}/{} as {}", endpoint.host_text(), endpoint.port, endpoint.database, endpoint.user)
}

/// Returns what the names of all our sessions end with.
pub(super) fn own_ending() -> String {
    let name = application_name("");
    name.split_once(' ').map(|(_, ending)| format!(" {ending}")).unwrap_or(name)
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
