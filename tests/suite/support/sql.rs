//! SQL behind the command's back: one session, blocking, with a runtime of its own.

use std::str::FromStr;

use futures_util::StreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, FromRow, Row, ValueRef};
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

    /// Holds one of tenantctl's locks for as long as the session lives.
    pub(crate) fn hold(&mut self, table: &str, name: &str) {
        self.run(&format!(
            "SELECT pg_advisory_lock(4711); \
             INSERT INTO {table} (name, token, pid, role) \
             SELECT '{name}', 4711, pid, usesysid::bigint FROM pg_stat_activity \
             WHERE pid = pg_backend_pid() \
             ON CONFLICT (name) DO UPDATE SET token = 4711, pid = excluded.pid, role = excluded.role"
        ));
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

    /// Returns the one column of the one row of a query that may be refused.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn try_value<T>(&mut self, sql: &str) -> Result<T, String>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        let asked = self.runtime.block_on(query.fetch_one(&mut self.connection));
        asked.map_err(|error| told(&error))
    }

    /// Runs statements and returns the rows of the last one as psql prints them: columns joined by
    /// `|`, null as nothing, rows by line breaks; or `ERROR` and the SQLSTATE that refused one.
    pub(crate) fn says(&mut self, sql: &str) -> String {
        self.text(sql).unwrap_or_else(|error| {
            let sqlstate = error.split(' ').next().unwrap_or_default();
            format!("ERROR {sqlstate}")
        })
    }

    /// Runs statements that must work and returns the rows of the last one as psql prints them.
    #[track_caller]
    pub(crate) fn ask(&mut self, sql: &str) -> String {
        self.text(sql).unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
    }

    /// Runs statements one by one in a transaction that is rolled back whatever comes of them, and
    /// returns what the last one said.
    pub(crate) fn says_and_undoes(&mut self, statements: &[&str]) -> String {
        self.run("BEGIN");
        let mut said = String::new();
        for statement in statements {
            said = self.says(statement);
            if said.starts_with("ERROR ") {
                break;
            }
        }
        self.run("ROLLBACK");
        said
    }

    fn text(&mut self, sql: &str) -> Result<String, String> {
        self.runtime.block_on(async {
            let mut lines: Vec<String> = Vec::new();
            let mut is_over = false;
            let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
            let mut answers = statements.fetch_many(&mut self.connection);
            while let Some(answer) = answers.next().await {
                match answer.map_err(|error| told(&error))? {
                    Either::Left(_) => is_over = true,
                    Either::Right(row) => {
                        if std::mem::take(&mut is_over) {
                            lines.clear();
                        }
                        lines.push(line(&row));
                    }
                }
            }
            Ok(lines.join("\n"))
        })
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

/// The simple protocol sends every value as text.
fn line(row: &PgRow) -> String {
    let cell = |index| {
        let value = row.try_get_raw(index).unwrap();
        if value.is_null() { String::new() } else { value.as_str().unwrap().to_owned() }
    };
    (0..row.len()).map(cell).collect::<Vec<_>>().join("|")
}
