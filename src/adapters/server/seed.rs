//! Seed sets: applied in one transaction, harmless when applied again.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use crate::adapters::postgres::{
    Files, Footing, PgError, Script, ServerFault, line_and_column, literal,
};
use crate::model::Provenance;

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

/// A set, as far as applying it needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeds<'s> {
    pub name: &'s str,
    pub files: &'s [SeedFile],
    pub provenance: Provenance,
}

/// Applies the files that were not applied before, all or none.
pub(super) async fn apply(
    connection: &mut PgConnection,
    footing: &Footing,
    set: &Seeds<'_>,
) -> Result<SeedOutcome, ServerError> {
    let doing =
        |doing: &'static str| move |fault| PgError::Statement { doing, fault: Box::new(fault) };
    let files = Files::begin(connection, footing, "BEGIN").await;
    let mut files = files.map_err(doing("begin applying the seed set"))?;
    let applied = run(&mut files, set).await;
    let ending = if applied.is_ok() { files.commit().await } else { files.roll_back().await };
    let outcome = applied?;
    ending.map_err(doing("commit the seed set"))?;
    Ok(outcome)
}

/// Returns how many files were not applied yet; nothing is changed.
pub(super) async fn left(
    connection: &mut PgConnection,
    set: &Seeds<'_>,
) -> Result<usize, ServerError> {
    let known = known(connection, set).await?;
    Ok(set.files.iter().filter(|file| !is_known(&known, file)).count())
}

/// Returns name and checksum of the files of a set that were applied.
async fn known(
    connection: &mut PgConnection,
    set: &Seeds<'_>,
) -> Result<Vec<(String, String)>, ServerError> {
    let known = sqlx::query_as(
        "SELECT file_name, checksum FROM tenantctl.seed_history WHERE set_name = $1",
    )
    .bind(set.name)
    .persistent(false)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read which seeds were applied"))?;
    Ok(known)
}

fn is_known(known: &[(String, String)], file: &SeedFile) -> bool {
    known.iter().any(|(name, sum)| *name == file.name && *sum == file.checksum)
}

async fn run(files: &mut Files<'_>, set: &Seeds<'_>) -> Result<SeedOutcome, ServerError> {
    let known = known(files.connection(), set).await?;
    let mut outcome = SeedOutcome { applied: 0, unchanged: 0 };
    for file in set.files {
        if is_known(&known, file) {
            outcome.unchanged += 1;
            continue;
        }
        let failed = |fault: ServerFault| {
            let (line, column) = fault.position.map(|at| line_and_column(&file.sql, at)).unzip();
            ServerError::Seed {
                file: format!("{}/{}", set.name, file.name),
                line,
                column,
                source: PgError::Statement { doing: "run its statements", fault: Box::new(fault) },
            }
        };
        let mut script = Script::read(&file.sql).map_err(|unreadable| {
            // Refused before anything was contacted, so never seen here.
            failed(ServerFault::from(sqlx::Error::Protocol(unreadable.what)))
        })?;
        // In the head of what pg_dump writes: with it, no row could be added to a table whose row
        // security is forced, and the tenant's own rows pass.
        script.leave_out(|words| words == ["set", "row_security", "off"]);
        let record = format!(
            "INSERT INTO tenantctl.seed_history (set_name, file_name, checksum) \
             VALUES ({}, {}, {}) ON CONFLICT (set_name, file_name) \
             DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp()",
            literal(set.name),
            literal(&file.name),
            literal(&file.checksum),
        );
        files.apply_inside(&script, &record).await.map_err(failed)?;
        outcome.applied += 1;
    }
    Ok(outcome)
}
