//! One statement that only reads, in one tenant's database.
//!
//! It runs as the role that applications have, in a transaction that only reads, as a query inside a
//! query: what is no query, or is more than one, the server itself refuses.

use std::time::Duration;

use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection};

use super::database::TenantDatabase;
use super::error::ServerError;
use super::role_names::APP;
use crate::adapters::postgres::{PgError, row};

row! {
    /// One row of what a statement returned.
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct QueryRow {
        pub(crate) columns: Vec<String>,
        /// As people read them; nothing for NULL.
        pub(crate) texts: Vec<Option<String>>,
        /// As an object, in the order of the columns.
        pub(crate) values: Json<serde_json::Value>,
    }
}

impl TenantDatabase {
    /// Runs a statement and returns up to `most` rows of it; nothing is changed.
    ///
    /// # Errors
    /// What the server says to the statement, or that it took too long.
    pub(crate) async fn query(
        &mut self,
        statement: &str,
        most: u32,
        patience: Duration,
    ) -> Result<Vec<QueryRow>, ServerError> {
        let doing = || PgError::doing("run the statement");
        let mut transaction = self.connection().begin().await.map_err(doing())?;
        let settings = format!(
            "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL ROLE {APP}",
            patience.as_millis()
        );
        sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *transaction).await.map_err(doing())?;
        // A comment at the statement's end must not swallow what follows.
        let wrapped = format!(
            r"SELECT (SELECT coalesce(array_agg(e.key ORDER BY e.at), '{{}}')
                FROM json_each_text(r.values) WITH ORDINALITY e(key, value, at)) AS columns,
              (SELECT coalesce(array_agg(e.value ORDER BY e.at), '{{}}')
                FROM json_each_text(r.values) WITH ORDINALITY e(key, value, at)) AS texts, r.values
            FROM (SELECT row_to_json(q) AS values FROM (
{statement}
            ) q LIMIT {most}) r"
        );
        let rows = sqlx::query_as(AssertSqlSafe(wrapped))
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await
            .map_err(|error| ServerError::Query(doing()(error)))?;
        transaction.rollback().await.map_err(doing())?;
        Ok(rows)
    }
}
