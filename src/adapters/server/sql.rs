//! Running the statements that cannot take parameters.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::ServerError;
use crate::adapters::postgres::PgError;

/// Runs statements whose names and literals are quoted already; several are one transaction.
pub(super) async fn run(
    connection: &mut PgConnection,
    statement: String,
    doing: &'static str,
) -> Result<(), ServerError> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    done.map(drop).map_err(|error| PgError::doing(doing)(error).into())
}
