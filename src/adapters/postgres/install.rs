//! Installs the functions that come after a set's migrations.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::ServerFault;
use super::functions::Functions;
use super::migrate_error::MigrateError;

/// Installs the functions and records which they are. The caller holds the lock that keeps two
/// migrations apart.
///
/// # Errors
/// When the server refuses one; none is installed then.
pub(crate) async fn install_functions(
    connection: &mut PgConnection,
    functions: &Functions,
) -> Result<(), MigrateError> {
    // One message of several statements is one transaction and one round trip.
    let installed = sqlx::raw_sql(AssertSqlSafe(functions.text())).execute(connection).await;
    let Err(error) = installed else { return Ok(()) };
    let fault = Box::new(ServerFault::from(error));
    let place = fault.position.and_then(|position| functions.place(position));
    let (migration, line, column) = match place {
        Some((name, line, column)) => (format!("functions/{name}"), Some(line), Some(column)),
        None => ("functions".to_owned(), None, None),
    };
    let remedy = "run the same command again".to_owned();
    Err(MigrateError::Failed { migration, line, column, fault, remedy })
}
