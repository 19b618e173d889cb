//! What is left of a tenant's access once its login is stopped: sessions, prepared transactions,
//! replication.
//!
//! Sessions and readers of replication are ended until none comes back. A prepared transaction
//! outlives the session that made it and keeps its locks, so it is rolled back where the server
//! allows that; a replication slot keeps what was written for its next reader and is only
//! reported, because dropping it would take it from its rightful reader. In a project, what
//! belongs to Supabase's own services is none of our business.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::error::ServerError;
use super::home::Home;
use super::prepared::Prepared;
use crate::adapters::postgres::{PgError, row};

type Result<T> = std::result::Result<T, ServerError>;

/// How long a login on its way is waited for before it is ended, or, where its database is not ours
/// alone, before only those to our database count.
const START_PATIENCE: Duration = Duration::from_secs(1);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(20);

row! {
    /// A session that is starting.
    #[derive(Debug, Clone)]
    struct Start {
        /// Its first transaction, by which it is known again.
        transaction: String,
        pid: i32,
        /// Whether it has come to the tenant's database, which is after its role was checked.
        is_here: bool,
    }
}

/// What survives the end of every session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Leftovers {
    /// How many prepared transactions were rolled back.
    pub(crate) rolled_back: usize,
    /// Those that were not.
    pub(crate) prepared: Vec<Prepared>,
    /// Replication slots on the database, and who still reads each: only a superuser can.
    pub(crate) slots: Vec<(String, Option<String>)>,
}

impl Home {
    /// Ends every session of the tenant's login, in any database, and every reader of the database's
    /// changes, and returns how many there were. The login was forbidden before.
    ///
    /// A login that passed the check before it was forbidden is in no view of sessions until its
    /// start is over, up to Postgres 17, and the client decides how long that takes
    /// (`post_auth_delay`). But its start is one transaction, begun before the role is read and ended
    /// after the session is in `pg_stat_activity` (`src/backend/utils/init/postinit.c`,
    /// `InitPostgres`, read 2026-11), and its virtual transaction is in `pg_locks` all that time. So
    /// nothing is left once no session is found and no start that had begun at the first look goes
    /// on: what begins later is refused.
    ///
    /// # Errors
    /// When sessions are still there at the deadline.
    pub(crate) async fn end_login_sessions(
        &self,
        connection: &mut PgConnection,
        deadline: Instant,
    ) -> Result<usize> {
        let give_up = Instant::now() + START_PATIENCE;
        let mut ended = BTreeSet::new();
        let mut starts = self.starts(connection).await?;
        loop {
            // In this order: what left the one list meanwhile is in the other.
            let found = self.end_found(connection).await?;
            ended.extend(&found);
            let now = Instant::now();
            if now >= give_up {
                // What has not come to our database by now waits for its client's password, and will
                // be refused, or goes elsewhere.
                starts.retain(|start| start.is_here);
                if self.name_there().is_some() {
                    ended.extend(self.end_starts(connection, &starts).await?);
                }
            }
            if found.is_empty() && starts.is_empty() {
                return Ok(ended.len());
            }
            if now > deadline {
                let left = i64::try_from(found.len() + starts.len()).unwrap_or(i64::MAX);
                return Err(ServerError::SessionsStay { database: self.name.to_string(), left });
            }
            tokio::time::sleep(PAUSE).await;
            let seen = self.starts(connection).await?;
            let is_old = |start: &Start| starts.iter().any(|s| s.transaction == start.transaction);
            starts = seen.into_iter().filter(is_old).collect();
        }
    }

    /// Ends the sessions that are there, and returns their processes.
    pub(super) async fn end_found(&self, connection: &mut PgConnection) -> Result<Vec<i32>> {
        // A superuser's session is not ours to end, and no lockdown reaches a superuser.
        let found = sqlx::query_scalar(
            r"SELECT e.pid FROM (
                SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a
                WHERE a.usename::text = $1 OR a.pid IN (
                        SELECT s.active_pid FROM pg_replication_slots s WHERE s.database::text = $2)
                    AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid AND r.rolsuper)
                OFFSET 0) e",
        )
        .bind(self.name.login())
        .bind(self.name_there())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("end the sessions of the tenant's login"))?;
        Ok(found)
    }

    /// Returns the sessions that are starting: they hold their first transaction and are in no list
    /// of sessions yet, or, from Postgres 18 on, in it without a role.
    async fn starts(&self, connection: &mut PgConnection) -> Result<Vec<Start>> {
        let found = sqlx::query_as(
            r"SELECT v.virtualtransaction AS transaction, v.pid, EXISTS (
                SELECT FROM pg_locks d JOIN pg_database b ON b.oid = d.objid
                WHERE d.pid = v.pid AND d.locktype = 'object'
                    AND d.classid = 'pg_database'::regclass
                    AND b.datname::text = coalesce($1, current_database()::text)) AS is_here
            FROM pg_locks v
            WHERE v.locktype = 'virtualxid' AND v.granted AND v.pid <> pg_backend_pid()
                AND NOT EXISTS (
                    SELECT FROM pg_stat_activity a WHERE a.pid = v.pid AND (a.usesysid IS NOT NULL
                        OR a.backend_type NOT IN ('client backend', 'walsender')))",
        )
        .bind(self.name_there())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look for logins on their way"))?;
        Ok(found)
    }

    /// Ends sessions that are starting in a database where only the tenant's login and we connect;
    /// a superuser's is left.
    async fn end_starts(
        &self,
        connection: &mut PgConnection,
        starts: &[Start],
    ) -> Result<Vec<i32>> {
        let mut ended = Vec::new();
        for Start { pid, .. } in starts {
            let end = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid);
            match end.execute(&mut *connection).await.map_err(PgError::doing("end a login")) {
                Ok(_) => ended.push(*pid),
                Err(error) if error.is("42501") => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ended)
    }

    /// Rolls back what the tenant's login prepared, and returns what is left besides sessions.
    pub(crate) async fn clear_leftovers(&self, connection: &mut PgConnection) -> Result<Leftovers> {
        let before = self.prepared(connection).await?;
        self.roll_back(&before).await?;
        let prepared = self.prepared(connection).await?;
        let slots = sqlx::query_as(
            r"SELECT s.slot_name::text, a.usename::text FROM pg_replication_slots s
            LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid
            WHERE s.database::text = $1 ORDER BY 1",
        )
        .bind(self.name_there())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look for replication slots"))?;
        Ok(Leftovers { rolled_back: before.len().saturating_sub(prepared.len()), prepared, slots })
    }
}
