//! Seed sets: applied in one transaction, harmless when applied again.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::error::ServerError;
use crate::adapters::postgres::PgError;

/// One file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeedFile {
    /// Its name, by which files are ordered.
    pub name: String,
    /// Its SQL.
    pub sql: String,
    /// The checksum of its text, in hex.
    pub checksum: String,
}

/// What applying a set did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeedOutcome {
    /// Files that were run.
    pub applied: usize,
    /// Files that had been applied before, with the same content.
    pub unchanged: usize,
}

/// Applies the files that were not applied before, all or none.
pub(super) async fn apply(
    connection: &mut PgConnection,
    set: &str,
    files: &[SeedFile],
) -> Result<SeedOutcome, ServerError> {
    let mut transaction =
        connection.begin().await.map_err(PgError::doing("begin applying the seed set"))?;
    let known: Vec<(String, String)> = sqlx::query_as(
        "SELECT file_name, checksum FROM tenantctl.seed_history WHERE set_name = $1",
    )
    .bind(set)
    .fetch_all(&mut *transaction)
    .await
    .map_err(PgError::doing("read which seeds were applied"))?;
    let mut outcome = SeedOutcome { applied: 0, unchanged: 0 };
    for file in files {
        let is_known = known.iter().any(|(name, sum)| *name == file.name && *sum == file.checksum);
        if is_known {
            outcome.unchanged += 1;
            continue;
        }
        let failed = |error| ServerError::Seed {
            file: format!("{set}/{}", file.name),
            source: PgError::doing("run its statements")(error),
        };
        sqlx::raw_sql(AssertSqlSafe(file.sql.clone()))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO tenantctl.seed_history (set_name, file_name, checksum) \
             VALUES ($1, $2, $3) ON CONFLICT (set_name, file_name) \
             DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp()",
        )
        .bind(set)
        .bind(&file.name)
        .bind(&file.checksum)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        outcome.applied += 1;
    }
    transaction.commit().await.map_err(PgError::doing("commit the seed set"))?;
    Ok(outcome)
}
