//! Statements that a tenant's login can stand in the way of, and how it is moved out of it.
//!
//! A login may change its own password: from then until the end of that transaction, prepared or
//! not, nobody else changes its row in `pg_authid`. `ALTER ROLE … SET` keeps it from being dropped
//! the same way. Its database's row in `pg_database` it holds by a GRANT of what it may not grant,
//! which ends with a warning and updates the row all the same (`src/backend/catalog/aclchk.c`,
//! `ExecGrant_Database`; tried on 15.18 and 17.10, 2026-11). So no other row is a way around, and
//! what holds the row is ended: the sessions and the prepared transactions of that login that the
//! statement waits for, and no others.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use super::prepared::Prepared;
use super::sql::run;
use crate::adapters::postgres::{PgError, Purpose, row};
use crate::model::Act;

type Result<T> = std::result::Result<T, ServerError>;

/// How long a statement may wait before somebody looks at what it waits for.
const UNDISTURBED: Duration = Duration::from_millis(100);

row! {
    /// What holds a lock that a statement waits for, where it is the tenant's login's.
    #[derive(Debug, Clone)]
    struct Holder {
        /// A session; nothing for a prepared transaction.
        pid: Option<i32>,
        /// The prepared transaction's name.
        name: Option<String>,
        database: Option<String>,
        is_here: bool,
    }
}

impl Home {
    /// Runs a statement, and ends what the tenant's login does that it has to wait for. It keeps its
    /// place in the queue all the time, so a login that comes back at once is behind it.
    pub(super) async fn run_past_login(
        &self,
        connection: &mut PgConnection,
        statement: String,
        doing: &'static str,
    ) -> Result<()> {
        let waiting: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *connection)
            .await
            .map_err(PgError::doing(doing))?;
        let mut running = std::pin::pin!(run(connection, statement, doing));
        let mut helper = None;
        loop {
            match tokio::time::timeout(UNDISTURBED, &mut running).await {
                Ok(done) => return done,
                // What cannot be ended keeps the statement waiting until its own `lock_timeout`,
                // and its error is what the operator needs.
                Err(_waits) => {
                    if let Err(error) = self.clear_the_way(&mut helper, waiting).await {
                        tracing::debug!("the way is not cleared: {error}");
                        helper = None;
                    }
                }
            }
        }
    }

    async fn clear_the_way(&self, helper: &mut Option<PgConnection>, waiting: i32) -> Result<()> {
        let session = match helper {
            Some(session) => session,
            None => helper.insert(self.operator(Purpose::query(Act::Lockdown.word())).await?),
        };
        let holders = self.holders(session, waiting).await?;
        let mut prepared = Vec::new();
        for Holder { pid, name, database, is_here } in holders {
            if let Some(pid) = pid {
                sqlx::query("SELECT pg_terminate_backend($1)")
                    .bind(pid)
                    .execute(&mut *session)
                    .await
                    .map_err(PgError::doing("end a session of the tenant's login"))?;
            } else if let (Some(name), Some(database)) = (name, database) {
                let owner = self.name.login().to_owned();
                prepared.push(Prepared { name, owner, database, is_here });
            }
        }
        self.roll_back(&prepared).await
    }

    /// Returns what the tenant's login holds that a session waits for.
    async fn holders(&self, session: &mut PgConnection, waiting: i32) -> Result<Vec<Holder>> {
        // A prepared transaction has no process; it is known by the lock on its own id, which it
        // keeps together with all others.
        let holders = sqlx::query_as(
            r"SELECT DISTINCT h.pid, p.gid AS name, p.database::text AS database,
                coalesce(p.database::text = coalesce($3, current_database()::text), false)
                    AS is_here
            FROM pg_locks w
            JOIN pg_locks h ON h.granted AND h.pid IS DISTINCT FROM w.pid
                AND h.locktype = w.locktype AND h.database IS NOT DISTINCT FROM w.database
                AND h.relation IS NOT DISTINCT FROM w.relation
                AND h.page IS NOT DISTINCT FROM w.page AND h.tuple IS NOT DISTINCT FROM w.tuple
                AND h.transactionid IS NOT DISTINCT FROM w.transactionid
                AND h.classid IS NOT DISTINCT FROM w.classid
                AND h.objid IS NOT DISTINCT FROM w.objid
                AND h.objsubid IS NOT DISTINCT FROM w.objsubid
            LEFT JOIN pg_stat_activity a ON a.pid = h.pid
            LEFT JOIN pg_locks x ON h.pid IS NULL AND x.pid IS NULL
                AND x.locktype = 'transactionid' AND x.virtualtransaction = h.virtualtransaction
            LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
            WHERE w.pid = $1 AND NOT w.granted AND (a.usename::text = $2 OR p.owner::text = $2)",
        )
        .bind(waiting)
        .bind(self.name.login())
        .bind(self.name_there())
        .fetch_all(session)
        .await
        .map_err(PgError::doing("look at what the tenant's login holds"))?;
        Ok(holders)
    }
}
