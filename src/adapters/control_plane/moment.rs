//! The clock that sessions are judged by, and the moment a count belongs to.

use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Returns the present moment by the database's clock.
pub(crate) async fn now(connection: &mut PgConnection) -> Result<OffsetDateTime> {
    let now = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask for the time"))?;
    Ok(now)
}

/// Fixes the moment that everything read in this transaction afterwards belongs to, so that what a
/// revocation ended can be counted once it is committed.
pub(crate) async fn fix_moment(connection: &mut PgConnection) -> Result<()> {
    // The snapshot is taken by the first query, not by the SET.
    sqlx::raw_sql(
        r"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SELECT FROM control_plane.identity",
    )
    .execute(connection)
    .await
    .map_err(PgError::doing("fix the moment to count at"))?;
    Ok(())
}
