//! How large databases are.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::operator::Server;
use crate::adapters::postgres::PgError;

impl Server {
    /// Returns how many bytes databases have together; those that are not there have none.
    ///
    /// # Errors
    /// When the server does not answer, or does not tell us.
    pub(crate) async fn size_of(
        &self,
        connection: &mut PgConnection,
        databases: &[&str],
    ) -> Result<i64, ServerError> {
        let size = sqlx::query_scalar(
            r"SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database
            WHERE datname::text = ANY ($1) AND datconnlimit <> -2",
        )
        .bind(databases)
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask how large the databases are"))?;
        Ok(size)
    }
}
