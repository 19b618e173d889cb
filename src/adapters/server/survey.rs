//! A database that is to be adopted, seen from inside without changing it.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::error::ServerError;
use super::operator::Server;
use super::stamp::Stamp;
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Whose it says it is.
    pub stamp: Stamp,
    /// Whether new databases are copied from it.
    pub is_template: bool,
    /// Whether a control plane lives in it.
    pub has_control_plane: bool,
    /// How many tables there are.
    pub tables: i64,
    /// How many of them have no row security.
    pub unguarded: i64,
    /// Its size on disk, in bytes.
    pub bytes: i64,
}

impl<'r> FromRow<'r, PgRow> for Survey {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            stamp: Stamp::read(row.try_get("comment")?),
            is_template: row.try_get("is_template")?,
            has_control_plane: row.try_get("has_control_plane")?,
            tables: row.try_get("tables")?,
            unguarded: row.try_get("unguarded")?,
            bytes: row.try_get("bytes")?,
        })
    }
}

impl Server {
    /// Looks at a database of the cluster; nothing when there is none of that name.
    ///
    /// # Errors
    /// When the operator may not connect to it, or the server does not answer.
    pub(crate) async fn survey(&self, name: &str) -> Result<Option<Survey>, ServerError> {
        let endpoint = self.admin.with_database(name);
        let mut connection = match postgres::connect(&endpoint, Purpose::query("survey")).await {
            Ok(connection) => connection,
            Err(error) if error.is("3D000") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let survey = sqlx::query_as(
            r"SELECT shobj_description(d.oid, 'pg_database') AS comment,
                d.datistemplate AS is_template,
                to_regclass('control_plane.tenant_metadata') IS NOT NULL AS has_control_plane,
                t.tables, t.unguarded, pg_database_size(d.oid) AS bytes
            FROM pg_database d, (
                SELECT count(*) AS tables, count(*) FILTER (WHERE NOT c.relrowsecurity) AS unguarded
                FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND c.relnamespace::regnamespace::text
                        NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenantctl')) t
            WHERE d.datname = current_database()",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(PgError::doing("look at the database"))?;
        Endpoint::close(connection).await;
        Ok(Some(survey))
    }
}
