//! Every database of the cluster with the stamp it carries, by one query.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::operator::Server;
use super::stamp::Stamp;
use crate::adapters::postgres::PgError;

/// A database as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDatabase {
    pub name: String,
    /// Left behind by a `DROP DATABASE` that was cut short (`datconnlimit = -2`).
    pub is_half_dropped: bool,
    /// Whose it says it is.
    pub stamp: Stamp,
}

impl Server {
    /// Returns every database of the cluster, templates aside.
    pub async fn list(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<ListedDatabase>, ServerError> {
        let rows: Vec<(String, bool, Option<String>)> = sqlx::query_as(
            "SELECT d.datname::text, d.datconnlimit = -2, c.description FROM pg_database d \
             LEFT JOIN pg_shdescription c \
             ON c.objoid = d.oid AND c.classoid = 'pg_database'::regclass \
             WHERE NOT d.datistemplate",
        )
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the cluster's databases"))?;
        let listed = rows.into_iter().map(|(name, is_half_dropped, comment)| ListedDatabase {
            name,
            is_half_dropped,
            stamp: Stamp::read(comment.as_deref()),
        });
        Ok(listed.collect())
    }
}
