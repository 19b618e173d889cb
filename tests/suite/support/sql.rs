//! SQL behind the command's back: one session, blocking, with a runtime of its own.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, FromRow};
use tokio::runtime::Runtime;

/// A session on some database, as some role.
pub(crate) struct Session {
    connection: PgConnection,
    runtime: Runtime,
}

impl Session {
    /// Logs in.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn open(options: &PgConnectOptions) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = options.clone().disable_statement_logging();
        match runtime.block_on(options.connect()) {
            Ok(connection) => Ok(Self { connection, runtime }),
            Err(error) => Err(told(&error)),
        }
    }

    /// Logs in with a connection string as tenantctl prints it.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn at(url: &str) -> Result<Self, String> {
        // A URL with a login needs a host; the socket's directory comes in a parameter.
        let url = url.trim().replacen("@/", "@localhost/", 1);
        let options = PgConnectOptions::from_str(&url).map_err(|error| error.to_string())?;
        Self::open(&options)
    }

    /// Runs statements that must work.
    pub(crate) fn run(&mut self, sql: &str) {
        if let Err(error) = self.attempt(sql) {
            panic!("{error}\nin: {sql}");
        }
    }

    /// Runs statements that may be refused.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn attempt(&mut self, sql: &str) -> Result<(), String> {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = self.runtime.block_on(statement.execute(&mut self.connection));
        done.map(drop).map_err(|error| told(&error))
    }

    /// Returns the rows of a query that must work, as tuples.
    pub(crate) fn rows<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let query = sqlx::query_as(AssertSqlSafe(sql.to_owned()));
        match self.runtime.block_on(query.fetch_all(&mut self.connection)) {
            Ok(rows) => rows,
            Err(error) => panic!("{}\nin: {sql}", told(&error)),
        }
    }

    /// Returns the one column of the one row of a query that must work.
    pub(crate) fn value<T>(&mut self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let mut rows: Vec<(T,)> = self.rows(sql);
        assert_eq!(rows.len(), 1, "rows of: {sql}");
        rows.remove(0).0
    }

    /// Tells whether the server still listens to this session.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.runtime.block_on(self.connection.ping()).is_ok()
    }
}

fn told(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(database) => {
            format!("{} {}", database.code().unwrap_or_default(), database.message())
        }
        None => error.to_string(),
    }
}
