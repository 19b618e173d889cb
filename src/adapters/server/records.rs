//! What a database's history says, changed without running a migration: a checksum that is accepted,
//! migrations that an adopted database has already.
//!
//! The one statement here that makes something makes the history's own table, as refinery does.

use sqlx::AssertSqlSafe;

use super::database::TenantDatabase;
use super::error::ServerError;
use crate::adapters::postgres::{MigrationSet, PgError};
use crate::model::MigrationRecord;

type Result<T> = std::result::Result<T, ServerError>;

/// As refinery writes it (refinery-core 0.10 `src/traits/mod.rs`, with `int8-versions`).
const TABLE: &str = "(version INT8 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), \
                     checksum VARCHAR(255))";

impl TenantDatabase {
    /// Begins a transaction in which a set's history has its table.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn begin_records(&mut self, set: &MigrationSet) -> Result<()> {
        let table = format!("CREATE TABLE IF NOT EXISTS {} {TABLE}", set.history);
        self.do_with_records(&format!("BEGIN; SET LOCAL client_min_messages = warning; {table}"))
            .await
    }

    /// Records migrations as applied now.
    ///
    /// # Errors
    /// When one of them is recorded.
    pub(crate) async fn add_records(
        &mut self,
        set: &MigrationSet,
        records: &[MigrationRecord],
    ) -> Result<()> {
        let text = format!(
            "INSERT INTO {} (version, name, applied_on, checksum) VALUES ($1, $2, \
             to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), $3)",
            set.history
        );
        for record in records {
            sqlx::query(AssertSqlSafe(text.clone()))
                .persistent(false)
                .bind(record.version.0)
                .bind(&record.name)
                .bind(record.checksum.to_string())
                .execute(self.connection())
                .await
                .map_err(PgError::doing("record a migration"))?;
        }
        Ok(())
    }

    /// Replaces the checksums of migrations that are recorded with another one.
    ///
    /// # Errors
    /// When a row is not there any more as it was read.
    pub(crate) async fn replace_checksums(
        &mut self,
        set: &MigrationSet,
        changes: &[(MigrationRecord, MigrationRecord)],
    ) -> Result<()> {
        let text = format!(
            "UPDATE {} SET checksum = $1 WHERE version = $2 AND name = $3 AND checksum = $4",
            set.history
        );
        for (old, new) in changes {
            let done = sqlx::query(AssertSqlSafe(text.clone()))
                .persistent(false)
                .bind(new.checksum.to_string())
                .bind(old.version.0)
                .bind(&old.name)
                .bind(old.checksum.to_string())
                .execute(self.connection())
                .await
                .map_err(PgError::doing("record a checksum"))?;
            if done.rows_affected() != 1 {
                return Err(ServerError::HistoryMoved(old.to_string()));
            }
        }
        Ok(())
    }

    /// Commits what was recorded, or takes it back.
    ///
    /// # Errors
    /// When the server refuses; nothing is recorded then.
    pub(crate) async fn end_records(&mut self, is_kept: bool) -> Result<()> {
        self.do_with_records(if is_kept { "COMMIT" } else { "ROLLBACK" }).await
    }

    async fn do_with_records(&mut self, text: &str) -> Result<()> {
        let _seen = self.forget();
        sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
            .execute(self.connection())
            .await
            .map_err(PgError::doing("keep the migration history"))?;
        Ok(())
    }
}
