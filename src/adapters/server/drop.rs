//! Dropping a tenant's database, after checking whose it is on the very session that drops it.

use sqlx::postgres::PgConnection;
use tokio::time::{Duration, Instant};

use super::access::Access;
use super::contradiction::Contradiction;
use super::error::ServerError;
use super::home::Home;
use super::prepared::Prepared;
use crate::adapters::postgres::{Endpoint, PgError, Purpose, identifier};
use crate::model::{Act, escape_controls};

impl Home {
    /// Drops the database; returns whether it existed. Only absence that was looked at counts as
    /// dropped.
    ///
    /// # Errors
    /// When the database is not the tenant's, or it still exists afterwards.
    pub(crate) async fn drop(
        &self,
        plane: &mut PgConnection,
        recorded_oid: Option<u32>,
        deadline: Instant,
    ) -> Result<bool, ServerError> {
        let mut connection = self.operator(Purpose::destroy(Act::Purge.word())).await?;
        self.lock(plane, &mut connection, deadline).await?;
        let Some(found) = self.look(&mut connection).await? else {
            Endpoint::close(connection).await;
            return Ok(false);
        };
        self.check_ours(&found, recorded_oid)?;
        self.end_own_prepared(&mut connection).await?;
        // Without FORCE: one session of a superuser would make the whole statement fail after it had
        // ended the others, and it names none (tried on 15.18, 2026-11). We end what we may, and say
        // how many stay.
        let statement = format!("DROP DATABASE {}", identifier(self.name.as_str()));
        loop {
            self.end_sessions(&mut connection, deadline).await?;
            let doing = "drop the database";
            match self.run_past_login(&mut connection, statement.clone(), doing).await {
                Ok(()) => break,
                Err(ServerError::Postgres(error)) if error.is("55006") => {
                    self.refuse_prepared(&mut connection).await?;
                    // A session that began between the two statements.
                    if Instant::now() >= deadline {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let is_there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname::text = $1 OR oid::bigint = $2)",
        )
        .bind(self.name.as_str())
        .bind(i64::from(found.oid))
        .fetch_one(&mut connection)
        .await
        .map_err(PgError::doing("prove that the database is gone"))?;
        Endpoint::close(connection).await;
        if is_there { Err(self.contradicted(Contradiction::StillThere)) } else { Ok(true) }
    }

    /// Ends what the tenant's login prepared in its database. Nobody gets in once it is closed, so it
    /// is opened for a moment where something is left.
    async fn end_own_prepared(&self, connection: &mut PgConnection) -> Result<(), ServerError> {
        let is_own = |one: &Prepared| one.is_here && one.owner == self.name.login();
        if self.prepared(connection).await?.iter().any(is_own) {
            // Not the login in the same statement: its row may be what the transaction holds.
            let name = identifier(self.name.as_str());
            let statement = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
            self.run_past_login(connection, statement, "open the database for us").await?;
            self.clear_leftovers(connection).await?;
            self.shut(connection, Access::Closed).await?;
        }
        Ok(())
    }

    /// Refuses a database in which somebody else prepared a transaction.
    async fn refuse_prepared(&self, connection: &mut PgConnection) -> Result<(), ServerError> {
        match self.prepared(connection).await?.into_iter().find(|one| one.is_here) {
            None => Ok(()),
            Some(Prepared { name, owner, .. }) => Err(ServerError::Prepared {
                database: self.name.to_string(),
                name: escape_controls(&name),
                owner: escape_controls(&owner),
            }),
        }
    }

    /// Ends every session on the database, in a project those of the tenant's login, and sweeps
    /// until none is left.
    ///
    /// # Errors
    /// When sessions are left at the deadline.
    pub(crate) async fn end_sessions(
        &self,
        connection: &mut PgConnection,
        deadline: Instant,
    ) -> Result<(), ServerError> {
        // In a project, the sessions of Supabase's own services stay.
        let only = self.server.is_project().then(|| self.name.login());
        loop {
            // Only what a client brought: the server's own workers end by themselves, and we may
            // not end a superuser's session; it counts as left.
            let left: i64 = sqlx::query_scalar(
                r"SELECT count(*) FROM (
                    SELECT CASE
                        WHEN r.rolsuper AND NOT (
                          SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN false
                        ELSE pg_terminate_backend(a.pid) END
                    FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
                    WHERE a.datname::text = coalesce($1, current_database()::text)
                      AND ($2::text IS NULL OR a.usename::text = $2)
                      AND a.pid <> pg_backend_pid()
                      AND coalesce(a.backend_type, 'client backend')
                        IN ('client backend', 'walsender')) ended",
            )
            .bind(self.name_there())
            .bind(only)
            .fetch_one(&mut *connection)
            .await
            .map_err(PgError::doing("end the sessions on the database"))?;
            if left == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ServerError::SessionsStay { database: self.name.to_string(), left });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
