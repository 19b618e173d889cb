//! Dropping a tenant's database, after checking whose it is on the very session that drops it.

use sqlx::postgres::PgConnection;
use tokio::time::{Duration, Instant};

use super::contradiction::Contradiction;
use super::error::ServerError;
use super::home::Home;
use super::sql::run;
use crate::adapters::postgres::{Endpoint, PgError, Purpose, identifier};
use crate::model::Act;

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
        // Without FORCE: one session of a superuser would make the whole statement fail after it had
        // ended the others, and it names none (tried on 15.18, 2026-11). We end what we may, and say
        // how many stay.
        let statement = format!("DROP DATABASE {}", identifier(self.name.as_str()));
        loop {
            self.end_sessions(&mut connection, deadline).await?;
            match run(&mut connection, statement.clone(), "drop the database").await {
                Ok(()) => break,
                // A session that began between the two statements.
                Err(ServerError::Postgres(error))
                    if error.is("55006") && Instant::now() < deadline => {}
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
