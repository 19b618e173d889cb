//! Migrations: refinery's runner over an sqlx session.
//!
//! Refinery 0.10 has no sqlx driver and takes no lock, so both are here or with the caller. Its
//! own errors are never printed: "missing from the filesystem" is what it also says of a file
//! that arrives late, and its text repeats its source.

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Runner, Target};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::apply::Files;
use super::error::{PgError, ServerFault};
use super::functions::{Functions, InstalledFunctions};
use super::migrate_error::{MigrateError, MigrationFile};
use super::row::row;
use super::script::Script;
use super::session::Footing;
use crate::model::{MigrationRecord, Provenance, SchemaVersion, escape_controls};

/// A list of migrations and the table that keeps their history.
#[derive(Debug, Clone)]
pub(crate) struct MigrationSet {
    /// The schema the history table lives in; made when it is missing.
    pub schema: &'static str,
    /// The history table, qualified, so that an emptied `search_path` does not lose it.
    pub history: &'static str,
    /// The functions that come after the migrations, where the schema has some.
    pub functions: Option<Functions>,
    files: Vec<MigrationFile>,
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

impl MigrationSet {
    /// Makes a set of what refinery embedded.
    pub(crate) fn embedded(
        schema: &'static str,
        history: &'static str,
        mut migrations: Vec<Migration>,
    ) -> Self {
        migrations.sort();
        let file = |migration: Migration| MigrationFile {
            name: format!("{migration}.sql"),
            migration,
            provenance: Provenance::Embedded,
        };
        let files = migrations.into_iter().map(file).collect();
        Self { schema, history, functions: None, files }
    }

    /// Returns the set with these files, ascending, instead of its own.
    #[must_use]
    pub(crate) fn replaced_by(self, files: Vec<MigrationFile>) -> Self {
        Self { files, ..self }
    }

    /// Returns the set with these files, ascending, after its own.
    #[must_use]
    pub(crate) fn continued_by(mut self, files: Vec<MigrationFile>) -> Self {
        self.files.extend(files);
        self
    }

    /// Adds the functions that come after the migrations.
    #[must_use]
    pub(crate) fn with_functions(self, functions: Functions) -> Self {
        Self { functions: Some(functions), ..self }
    }

    /// Returns the name and text of each of an operator's own files.
    pub(crate) fn own_texts(&self) -> Vec<(&str, &str)> {
        let own = self.files.iter().filter(|file| file.provenance == Provenance::Folder);
        own.map(|file| (&*file.name, file.migration.sql().unwrap_or_default())).collect()
    }

    /// Returns each file's name and text.
    pub(crate) fn texts(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter();
        files.map(|file| (&*file.name, file.migration.sql().unwrap_or_default())).collect()
    }

    /// Returns the set's migrations, ascending.
    pub(crate) fn records(&self) -> Vec<MigrationRecord> {
        self.files
            .iter()
            .map(|MigrationFile { migration, .. }| MigrationRecord {
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
        version: i64,
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
    let text = history_query(set);
    let rows = match sqlx::query(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await
    {
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
    history_of(set, &rows)
}

/// Returns the query for a set's history.
pub(crate) fn history_query(set: &MigrationSet) -> String {
    let functions = set.functions.as_ref().map_or_else(String::new, |functions| {
        format!(
            "UNION ALL SELECT {}, installed_by, NULL, checksum FROM {}",
            SchemaVersion::UNNUMBERED.0,
            functions.table
        )
    });
    format!(
        "SELECT version, name, applied_on, checksum FROM {} {functions} ORDER BY version",
        set.history
    )
}

/// Reads what that query returned.
///
/// # Errors
/// When a row is not what a migration tool writes.
pub(crate) fn history_of(set: &MigrationSet, rows: &[PgRow]) -> Result<History, MigrateError> {
    let mut history = History::default();
    for row in rows {
        let read = HistoryRow::from_row(row);
        let HistoryRow { version, name, applied_on, checksum } =
            read.map_err(PgError::doing("read the migration history"))?;
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
/// The caller holds the lock and has compared the history with the set. `footing` says what files of
/// each provenance run on; `known` is what was read under the lock, if something was, in a session that
/// ran no file since.
///
/// # Errors
/// The first migration that fails; it leaves nothing behind, those before it stay applied.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    footing: impl Fn(Provenance) -> Footing,
    set: &MigrationSet,
    target: Option<SchemaVersion>,
    known: Option<Known>,
) -> Result<Vec<MigrationRecord>, MigrateError> {
    let migrations: Vec<_> = set.files.iter().map(|file| file.migration.clone()).collect();
    let mut runner = Runner::new(&migrations);
    runner.set_migration_table_name(set.history);
    if let Some(SchemaVersion(version)) = target {
        runner = runner.set_target(Target::Version(version));
    }
    let schema = format!("CREATE SCHEMA IF NOT EXISTS {}", set.schema);
    let [embedded, own] = [Provenance::Embedded, Provenance::Folder].map(footing);
    let (known, files) = match known {
        Some(Known { history, locks }) => {
            (Some(history), Files::go_on(connection, &embedded, locks).await)
        }
        None => (None, Files::begin(connection, &embedded, &schema).await),
    };
    let files = files.map_err(|fault| PgError::Statement {
        doing: "create the schema of the migration history",
        fault: Box::new(fault),
    })?;
    let mut driver =
        Driver { files, footings: [&embedded, &own], set, known, current: None, fault: None };
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

/// What a session knows of a history table that exists.
#[derive(Debug)]
pub(crate) struct Known {
    pub history: History,
    /// The advisory locks that it holds, as a list for `IN`.
    pub locks: String,
}

struct Driver<'c> {
    files: Files<'c>,
    /// Of what is embedded, and of an operator's own files.
    footings: [&'c Footing; 2],
    set: &'c MigrationSet,
    /// The history, where it was read before.
    known: Option<History>,
    /// The file that is running; nothing during bookkeeping.
    current: Option<&'c MigrationFile>,
    fault: Option<ServerFault>,
}

impl Driver<'_> {
    fn explain(self, error: &refinery_core::Error) -> MigrateError {
        match (self.fault, self.current) {
            (None, _) => MigrateError::Runner(escape_controls(&error.to_string())),
            (Some(fault), Some(file)) => MigrateError::of(file, fault),
            (Some(fault), None) => {
                let doing = "keep the migration history";
                PgError::Statement { doing, fault: Box::new(fault) }.into()
            }
        }
    }

    async fn run(&mut self, queries: &[&str]) -> Result<(), ServerFault> {
        // Refinery hands over a migration and its history row together, bookkeeping alone.
        let (Some(text), Some(record)) = (queries.first(), queries.get(1)) else {
            // It is the table that refinery makes sure of.
            if self.known.is_some() {
                return Ok(());
            }
            return self.files.run(queries.join(";\n")).await;
        };
        self.current = self.set.files.iter().find(|file| {
            let checksum = format!("'{}'", file.migration.checksum());
            file.migration.sql() == Some(text) && record.ends_with(&format!("{checksum})"))
        });
        let [embedded, own] = self.footings;
        let is_own = self.current.is_some_and(|file| file.provenance == Provenance::Folder);
        self.files.stand_on(if is_own { own } else { embedded });
        let script = Script::read(text).map_err(|unreadable| {
            // Refused before anything was contacted, so never seen here.
            ServerFault::from(sqlx::Error::Protocol(unreadable.what))
        })?;
        self.files.apply(&script, record).await
    }
}

impl AsyncTransaction for Driver<'_> {
    type Error = ServerFault;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let queries: Vec<&str> = queries.collect();
        self.current = None;
        self.fault = self.run(&queries).await.err();
        self.fault.clone().map_or(Ok(queries.len()), Err)
    }
}

impl AsyncQuery<Vec<Migration>> for Driver<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        // The query that refinery passes is the one `read_history` asks; asking ours keeps one
        // fallible reader of the history.
        let history = match self.known.take() {
            Some(known) => Ok(known),
            None => read_history(self.files.connection(), self.set).await,
        };
        match history {
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
