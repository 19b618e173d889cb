//! Who is in the way: a session of the server, in words an operator can act on.

use std::fmt;

use sqlx::postgres::PgConnection;

use super::error::PgError;
use super::row::row;
use crate::model::{escape_controls, shorten};

type Result<T> = std::result::Result<T, PgError>;

/// A session that holds what another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    pid: i32,
    /// Its program, server process, role, state, and since when, as far as we may see.
    said: String,
}

impl Blocker {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> String {
        format!(
            "let it finish, or end it on that server: SELECT pg_terminate_backend({}); then run the \
             same command again",
            self.pid
        )
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

row! {
    /// A session as `pg_stat_activity` shows it; to who may see little, little.
    pub(super) struct Seen {
        pid: i32,
        program: Option<String>,
        role: Option<String>,
        state: Option<String>,
        since: Option<String>,
    }
}

/// The columns of [`Seen`], from a row `b` of `pg_stat_activity`. Its transaction says since when it
/// holds a row or a table; a lock without one is as old as the session.
pub(super) const SEEN: &str = r#"b.pid, nullif(b.application_name, '') AS program,
    b.usename::text AS role, b.state,
    to_char(coalesce(b.xact_start, b.backend_start) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since"#;

impl From<Seen> for Blocker {
    fn from(seen: Seen) -> Self {
        let clean = |text: &str| shorten(&escape_controls(text), 80);
        let program = seen.program.as_deref().map_or("unknown program".to_owned(), clean);
        let role = seen.role.as_deref().map(|role| format!(", user {}", clean(role)));
        let since = match (&seen.state, &seen.since) {
            (Some(state), Some(since)) if state == "idle" => format!(", since {since}"),
            (Some(state), Some(since)) => format!(", {} since {since}", clean(state)),
            _ => String::new(),
        };
        let role = role.unwrap_or_default();
        let said = format!("{program} (server process {}{role}{since})", seen.pid);
        Self { pid: seen.pid, said }
    }
}

/// Returns a session in words: its program, its server process and since when.
pub(super) async fn describe(connection: &mut PgConnection, pid: i32) -> Result<Option<Blocker>> {
    let found: Option<Seen> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {SEEN} FROM pg_stat_activity b WHERE b.pid = $1"
    )))
    .bind(pid)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("ask who holds a lock"))?;
    Ok(found.map(Blocker::from))
}

/// Returns the query for the server process that another one, `of`, waits for in the end: who is in its
/// way and waits for nobody, where there is such a one.
pub(super) fn last_blocker(of: &str) -> String {
    format!(
        r"WITH RECURSIVE chain AS (
            SELECT p FROM unnest(pg_blocking_pids({of})) p
            UNION SELECT q FROM chain c, unnest(pg_blocking_pids(c.p)) q)
        SELECT c.p FROM chain c JOIN pg_stat_activity s ON s.pid = c.p
        ORDER BY s.wait_event_type IS NOT DISTINCT FROM 'Lock' LIMIT 1"
    )
}

/// Returns in words whom a server process waits for.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn blocker_of(connection: &mut PgConnection, pid: i32) -> Result<Option<Blocker>> {
    let found: Option<i32> = sqlx::query_scalar(sqlx::AssertSqlSafe(last_blocker("$1")))
        .bind(pid)
        .fetch_optional(&mut *connection)
        .await
        .map_err(PgError::doing("ask who holds a lock"))?;
    match found {
        Some(pid) => describe(connection, pid).await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: Option<&str>) -> Seen {
        Seen {
            pid: 4711,
            program: Some("psql\u{1b}[2J".to_owned()),
            role: Some("postgres".to_owned()),
            state: state.map(str::to_owned),
            since: state.map(|_| "2026-11-27T04:30:57Z".to_owned()),
        }
    }

    #[test]
    fn a_session_is_named_with_what_it_does_and_since_when() {
        let said = |state| Blocker::from(seen(state)).to_string();
        let start = "psql\\u{1b}[2J (server process 4711, user postgres";
        let since = "since 2026-11-27T04:30:57Z)";
        assert_eq!(
            said(Some("idle in transaction")),
            format!("{start}, idle in transaction {since}")
        );
        assert_eq!(said(Some("idle")), format!("{start}, {since}"));
        assert_eq!(said(None), format!("{start})"), "what we may not see");
        assert!(Blocker::from(seen(None)).hint().contains("pg_terminate_backend(4711)"));
    }
}
