//! Migrations: refinery's runner over an sqlx session.
//!
//! Refinery 0.10 has no sqlx driver and takes no lock, so both are here or with the caller. Its
//! own errors are never printed: "missing from the filesystem" is what it also says of a file
//! that arrives late, and its text repeats its source.

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Runner, Target};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::{PgError, ServerFault};
use super::functions::{Functions, InstalledFunctions};
use super::position::line_and_column;
use super::row::row;
use crate::model::{Classified, ErrorKind, MigrationRecord, Refusal, SchemaVersion};

/// The first line of a migration that cannot run inside a transaction.
pub(crate) const NO_TRANSACTION: &str = "-- tenantctl: no-transaction";

/// A list of migrations and the table that keeps their history.
#[derive(Debug, Clone)]
pub(crate) struct MigrationSet {
    /// The schema the history table lives in; made when it is missing.
    pub schema: &'static str,
    /// The history table, qualified, so that an emptied `search_path` does not lose it.
    pub history: &'static str,
    /// The functions that come after the migrations, where the schema has some.
    pub functions: Option<Functions>,
    migrations: Vec<Migration>,
}

/// What a database records of its migrations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History {
    /// The migrations, oldest first; none when the table does not exist.
    pub applied: Vec<Applied>,
    /// The functions that are installed.
    pub functions: Option<InstalledFunctions>,
}

impl History {
    /// Returns the migrations without their instants.
    pub(crate) fn records(&self) -> Vec<MigrationRecord> {
        self.applied.iter().map(|row| row.record.clone()).collect()
    }
}

/// One row of a history table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub record: MigrationRecord,
    pub applied_at: OffsetDateTime,
}

/// Why a set could not be applied or a history not be read.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server or the way to it.
    #[error(transparent)]
    Postgres(#[from] PgError),
    /// A migration failed; it was rolled back whole.
    #[error("apply {migration}{}", place(*line, *column))]
    Failed {
        /// The file, as in `V3__products`.
        migration: String,
        /// The line of the file the server points at, counted from 1.
        line: Option<usize>,
        /// The column in that line, counted from 1.
        column: Option<usize>,
        /// What the server said.
        #[source]
        fault: Box<ServerFault>,
    },
    /// The history table holds a value that no migration tool writes.
    #[error("read {table}: its row for version {version} has an unreadable {what}")]
    Unreadable {
        /// The history table.
        table: &'static str,
        /// The row's version.
        version: i32,
        /// What cannot be read.
        what: &'static str,
    },
    /// Refinery refused for another reason.
    #[error("run the migrations: {0}")]
    Runner(String),
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" at line {line}, column {column}"),
        _ => String::new(),
    }
}

impl Classified for MigrateError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Postgres(error) => error.refusal(),
            Self::Failed { migration, fault, .. } => {
                Refusal { sqlstate: fault.sqlstate.clone(), migration: Some(migration.clone()) }
            }
            Self::Unreadable { .. } | Self::Runner(_) => Refusal::default(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => error.kind(),
            // What the server refuses about a file is not our bug: the tenant stays at the version
            // before, whole, and running again continues there.
            Self::Failed { fault, .. } => match fault.kind() {
                ErrorKind::Internal | ErrorKind::Refused => ErrorKind::Incomplete,
                other => other,
            },
            Self::Unreadable { .. } => ErrorKind::Conflict,
            Self::Runner(_) => ErrorKind::Internal,
        }
    }
}

impl MigrationSet {
    /// Makes a set of what refinery embedded or read from a folder.
    pub(crate) fn new(
        schema: &'static str,
        history: &'static str,
        mut migrations: Vec<Migration>,
    ) -> Self {
        migrations.sort();
        Self { schema, history, functions: None, migrations }
    }

    /// Adds the functions that come after the migrations.
    #[must_use]
    pub(crate) fn with_functions(self, functions: Functions) -> Self {
        Self { functions: Some(functions), ..self }
    }

    /// Returns each file's name, without its ending, and text.
    pub(crate) fn texts(&self) -> Vec<(String, &str)> {
        let text = |migration: &'_ Migration| migration.to_string();
        self.migrations.iter().map(|m| (text(m), m.sql().unwrap_or_default())).collect()
    }

    /// Returns the set's migrations, ascending.
    pub(crate) fn records(&self) -> Vec<MigrationRecord> {
        self.migrations
            .iter()
            .map(|migration| MigrationRecord {
                version: SchemaVersion(migration.version()),
                name: migration.name().to_owned(),
                checksum: migration.checksum(),
            })
            .collect()
    }
}

row! {
    /// A row of a history table, whose texts may have been edited by hand.
    struct HistoryRow {
        version: i32,
        name: Option<String>,
        applied_on: Option<String>,
        checksum: Option<String>,
    }
}

/// Reads a set's history, oldest first; it is empty when its table does not exist.
///
/// # Errors
/// When the server does not answer or a row is not what a migration tool writes.
pub(crate) async fn read_history(
    connection: &mut PgConnection,
    set: &MigrationSet,
) -> Result<History, MigrateError> {
    // One round trip whether the table exists or not: the query text is only prepared on the
    // server when it is, and a missing table is an answer rather than a failure.
    let functions = set.functions.as_ref().map_or_else(String::new, |functions| {
        format!(
            "UNION ALL SELECT {}, installed_by, NULL, checksum FROM {}",
            SchemaVersion::UNNUMBERED.0,
            functions.table
        )
    });
    let text = format!(
        "SELECT version, name, applied_on, checksum FROM {} {functions} ORDER BY version",
        set.history
    );
    let rows: Vec<HistoryRow> =
        match sqlx::query_as(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await {
            Ok(rows) => rows,
            Err(error) => {
                let error = PgError::doing("read the migration history")(error);
                return if error.is("42P01") || error.is("3F000") {
                    Ok(History::default())
                } else {
                    Err(error.into())
                };
            }
        };
    let mut history = History::default();
    for HistoryRow { version, name, applied_on, checksum } in rows {
        let unreadable = |what| MigrateError::Unreadable { table: set.history, version, what };
        let checksum = checksum.and_then(|text| text.parse().ok());
        if version == SchemaVersion::UNNUMBERED.0 {
            // What cannot be read is not what we have: it is installed again.
            let by = name.unwrap_or_default();
            history.functions = checksum.map(|checksum| InstalledFunctions { checksum, by });
            continue;
        }
        let applied_at = applied_on.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        history.applied.push(Applied {
            record: MigrationRecord {
                version: SchemaVersion(version),
                name: name.ok_or_else(|| unreadable("name"))?,
                checksum: checksum.ok_or_else(|| unreadable("checksum"))?,
            },
            applied_at: applied_at.ok_or_else(|| unreadable("applied_on"))?,
        });
    }
    Ok(history)
}

/// Applies what is pending, up to `target` when one is named, and returns what was applied.
///
/// The caller holds the lock and has compared the history with the set.
///
/// # Errors
/// The first migration that fails; it leaves nothing behind, those before it stay applied.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    set: &MigrationSet,
    target: Option<SchemaVersion>,
) -> Result<Vec<MigrationRecord>, MigrateError> {
    let mut runner = Runner::new(&set.migrations);
    runner.set_migration_table_name(set.history);
    if let Some(SchemaVersion(version)) = target {
        runner = runner.set_target(Target::Version(version));
    }
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {}", set.schema)))
        .execute(&mut *connection)
        .await
        .map_err(PgError::doing("create the schema of the migration history"))?;
    let mut driver = Driver { connection, set, current: None, fault: None };
    match runner.run_async(&mut driver).await {
        Ok(report) => Ok(report
            .applied_migrations()
            .iter()
            .map(|migration| MigrationRecord {
                version: SchemaVersion(migration.version()),
                name: migration.name().to_owned(),
                checksum: migration.checksum(),
            })
            .collect()),
        Err(error) => Err(driver.explain(&error)),
    }
}

struct Driver<'c> {
    connection: &'c mut PgConnection,
    set: &'c MigrationSet,
    /// The text of the migration that is running; nothing during bookkeeping.
    current: Option<String>,
    fault: Option<ServerFault>,
}

impl Driver<'_> {
    fn explain(self, error: &refinery_core::Error) -> MigrateError {
        let Some(fault) = self.fault else {
            return MigrateError::Runner(crate::model::escape_controls(&error.to_string()));
        };
        let migration = self.current.as_deref().and_then(|text| {
            self.set.migrations.iter().find(|migration| migration.sql() == Some(text))
        });
        let Some(migration) = migration else {
            return PgError::Statement {
                doing: "keep the migration history",
                fault: Box::new(fault),
            }
            .into();
        };
        let position = fault.position.zip(self.current.as_deref());
        let (line, column) = position.map(|(at, text)| line_and_column(text, at)).unzip();
        MigrateError::Failed {
            migration: migration.to_string(),
            line,
            column,
            fault: Box::new(fault),
        }
    }

    async fn run(&mut self, text: String) -> Result<(), sqlx::Error> {
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *self.connection).await;
        done.map(drop)
    }
}

impl AsyncTransaction for Driver<'_> {
    type Error = ServerFault;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let queries: Vec<&str> = queries.collect();
        // Refinery hands over a migration and its history row together, bookkeeping alone.
        self.current = (queries.len() > 1).then(|| queries[0].to_owned());
        let done = if queries[0].starts_with(NO_TRANSACTION) {
            // Each alone: two statements in one message are a transaction again.
            let mut done = Ok(());
            for query in &queries {
                done = self.run((*query).to_owned()).await;
                if done.is_err() {
                    break;
                }
            }
            done
        } else {
            // One message of several statements is one transaction and one round trip. The line
            // break ends a comment that the file may end with.
            self.run(queries.join("\n;\n")).await
        };
        done.map(|()| queries.len()).map_err(|error| {
            let fault = ServerFault::from(error);
            self.fault = Some(fault.clone());
            fault
        })
    }
}

impl AsyncQuery<Vec<Migration>> for Driver<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        // The query that refinery passes is the one `read_history` asks; asking ours keeps one
        // fallible reader of the history.
        match read_history(&mut *self.connection, self.set).await {
            Ok(history) => Ok(history
                .applied
                .into_iter()
                .map(|row| {
                    let record = row.record;
                    Migration::applied(
                        record.version.0,
                        record.name,
                        row.applied_at,
                        record.checksum,
                    )
                })
                .collect()),
            Err(error) => {
                let fault = match &error {
                    MigrateError::Postgres(error) => error.fault().cloned(),
                    _ => None,
                };
                let fault = fault
                    .unwrap_or_else(|| ServerFault::from(sqlx::Error::Protocol(error.to_string())));
                self.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }
}

impl AsyncMigrate for Driver<'_> {}
