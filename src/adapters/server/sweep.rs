//! What is left of a tenant's access once its login is stopped: sessions, prepared transactions,
//! replication.
//!
//! Sessions and readers of replication are ended until none comes back. A prepared transaction
//! outlives the session that made it and keeps its locks, so it is rolled back where the server
//! allows that; a replication slot keeps what was written for whoever reads it next and is only
//! reported, because dropping it would take it from whoever reads it rightfully. In a project, what
//! belongs to Supabase's own services is none of our business.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::operator::run;
use super::{Server, ServerError};
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose, identifier, literal};
use crate::model::DatabaseName;

type Result<T> = std::result::Result<T, ServerError>;

/// A transaction that was prepared to be committed by whoever comes back for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What it is called.
    pub name: String,
    /// Who may end it, besides a superuser.
    pub owner: String,
}

/// What survives the end of every session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// How many prepared transactions were rolled back.
    pub rolled_back: usize,
    /// Those that were not.
    pub prepared: Vec<Prepared>,
    /// Replication slots on the database, and who still reads each: only a superuser can.
    pub slots: Vec<(String, Option<String>)>,
}

impl Server {
    /// Ends every session of the tenant's login, wherever it is, and whoever reads the database's
    /// changes, and returns how many there were.
    ///
    /// # Errors
    /// When sessions are still there at the deadline.
    pub async fn end_login_sessions(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
        deadline: tokio::time::Instant,
    ) -> Result<i64> {
        let (mut ended, mut empty_sweeps) = (0, 0);
        // Two empty sweeps, a second apart: a login that was under way at the first, and passed the
        // check before it was forbidden, is there at the second.
        while empty_sweeps < 2 {
            // A superuser's session is not ours to end, and no lockdown reaches a superuser.
            let (found,): (i64,) = sqlx::query_as(
                "SELECT count(*) FROM (SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a \
                 WHERE a.usename::text = $1 OR a.pid IN ( \
                   SELECT s.active_pid FROM pg_replication_slots s WHERE s.database::text = $2) \
                 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid AND r.rolsuper)) \
                 ended",
            )
            .bind(name.login())
            .bind(self.name_of(name))
            .fetch_one(&mut *connection)
            .await
            .map_err(PgError::doing("end the sessions of the tenant's login"))?;
            ended += found;
            empty_sweeps = if found == 0 { empty_sweeps + 1 } else { 0 };
            if found > 0 && tokio::time::Instant::now() > deadline {
                return Err(ServerError::SessionsStay { database: name.to_string(), left: found });
            }
            let pause = if found > 0 { 50 } else { 1_000 };
            if empty_sweeps < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            }
        }
        Ok(ended)
    }

    /// Rolls back what the tenant's login prepared, and returns what is left besides sessions.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn clear_leftovers(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
    ) -> Result<Leftovers> {
        let before = self.prepared(connection, name).await?;
        if before.iter().any(|prepared| prepared.owner == name.login()) {
            self.roll_back(name, &before).await?;
        }
        let prepared = self.prepared(connection, name).await?;
        let slots = sqlx::query_as(
            "SELECT s.slot_name::text, a.usename::text FROM pg_replication_slots s \
             LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid \
             WHERE s.database::text = $1 ORDER BY 1",
        )
        .bind(self.name_of(name))
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look for replication slots"))?;
        Ok(Leftovers { rolled_back: before.len().saturating_sub(prepared.len()), prepared, slots })
    }

    async fn prepared(
        &self,
        connection: &mut PgConnection,
        name: &DatabaseName,
    ) -> Result<Vec<Prepared>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT gid, owner::text FROM pg_prepared_xacts \
             WHERE database::text = coalesce($1, current_database()::text) \
             AND ($1 IS NOT NULL OR owner::text = $2) ORDER BY prepared, gid",
        )
        .bind(self.name_of(name))
        .bind(name.login())
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look for prepared transactions"))?;
        Ok(rows.into_iter().map(|(name, owner)| Prepared { name, owner }).collect())
    }

    /// Becomes the login for it, inside the database: nobody else but a superuser may end what it
    /// prepared, and nowhere else (`src/backend/access/transam/twophase.c`, `LockGXact`).
    async fn roll_back(&self, name: &DatabaseName, prepared: &[Prepared]) -> Result<()> {
        let endpoint = self.admin.with_database(name.as_str());
        let mut inside = match postgres::connect(&endpoint, Purpose::query("lockdown")).await {
            Ok(inside) => inside,
            // Closed, or gone: then nobody comes back for them either.
            Err(error) if error.is("55000") || error.is("3D000") => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.act_as_operator(&mut inside).await?;
        let login = identifier(name.login());
        let become_login = format!("SET ROLE {login}");
        let doing = "act as the tenant's login";
        let mut is_member_for_now = false;
        if run(&mut inside, become_login.clone(), doing).await.is_err() {
            let statement = format!("GRANT {login} TO CURRENT_USER");
            is_member_for_now = run(&mut inside, statement, doing).await.is_ok();
            if !is_member_for_now || run(&mut inside, become_login, doing).await.is_err() {
                return Ok(());
            }
        }
        for one in prepared.iter().filter(|one| one.owner == name.login()) {
            let statement = format!("ROLLBACK PREPARED {}", literal(&one.name));
            // What stays is counted and named afterwards; somebody else may have ended it.
            drop(sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut inside).await);
        }
        run(&mut inside, "RESET ROLE".to_owned(), doing).await?;
        self.act_as_operator(&mut inside).await?;
        if is_member_for_now {
            let statement = format!("REVOKE {login} FROM CURRENT_USER");
            run(&mut inside, statement, "leave the tenant's login").await?;
        }
        Endpoint::close(inside).await;
        Ok(())
    }
}
