//! Every database of the cluster with the stamp it carries, by one query.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};

use super::error::ServerError;
use super::operator::Server;
use super::stamp::Stamp;
use crate::adapters::postgres::PgError;

/// A database as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedDatabase {
    pub name: String,
    /// Left behind by a `DROP DATABASE` that was cut short (`datconnlimit = -2`).
    pub is_half_dropped: bool,
    /// Whose it says it is.
    pub stamp: Stamp,
}

impl<'r> FromRow<'r, PgRow> for ListedDatabase {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            is_half_dropped: row.try_get("is_half_dropped")?,
            stamp: Stamp::read(row.try_get("comment")?),
        })
    }
}

impl Server {
    /// Returns every database of the cluster, templates aside.
    pub(crate) async fn list(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<ListedDatabase>, ServerError> {
        let listed = sqlx::query_as(
            r"SELECT d.datname::text AS name, d.datconnlimit = -2 AS is_half_dropped,
                c.description AS comment
            FROM pg_database d LEFT JOIN pg_shdescription c
                ON c.objoid = d.oid AND c.classoid = 'pg_database'::regclass
            WHERE NOT d.datistemplate",
        )
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the cluster's databases"))?;
        Ok(listed)
    }
}
