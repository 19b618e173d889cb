//! How much room a server has for more connections.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::operator::Server;
use crate::adapters::postgres::PgError;

impl Server {
    /// Returns the same server, where a session that is refused for want of a free connection is not
    /// waited for.
    #[must_use]
    pub(crate) fn asking_once(&self) -> Self {
        let admin = self.admin.waiting(&self.admin.waits().asking_once());
        Self { admin, ..self.clone() }
    }

    /// Returns how many more connections the server takes: those for superusers and reserved ones are not
    /// counted.
    pub(crate) async fn free_connections(
        connection: &mut PgConnection,
    ) -> Result<usize, ServerError> {
        let free: i64 = sqlx::query_scalar(
            r"SELECT current_setting('max_connections')::bigint
                - current_setting('superuser_reserved_connections')::bigint
                - coalesce(current_setting('reserved_connections', true), '0')::bigint
                - (SELECT sum(numbackends) FROM pg_stat_database)",
        )
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("look how many connections are free"))?;
        Ok(usize::try_from(free).unwrap_or(0))
    }
}
