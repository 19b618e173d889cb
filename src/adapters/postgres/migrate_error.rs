//! What can go wrong with a set of migrations.

use refinery_core::Migration;

use super::error::{PgError, ServerFault};
use super::position::line_and_column;
use super::script::NO_TRANSACTION;
use crate::model::{Classified, ErrorKind, Provenance, Refusal};

/// One migration and the file it stands in.
#[derive(Debug, Clone)]
pub(crate) struct MigrationFile {
    pub migration: Migration,
    /// The file's name, escaped.
    pub name: String,
    pub provenance: Provenance,
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
        /// What to do about it.
        remedy: String,
    },
    /// The history table holds a value that no migration tool writes.
    #[error("read {table}: its row for version {version} has an unreadable {what}")]
    Unreadable {
        /// The history table.
        table: &'static str,
        /// The row's version.
        version: i64,
        /// What cannot be read.
        what: &'static str,
    },
    /// Refinery refused for another reason.
    #[error("run the migrations: {0}")]
    Runner(String),
}

/// Returns where in a file something is, as it reads after the file's name.
pub(crate) fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" at line {line}, column {column}"),
        _ => String::new(),
    }
}

impl MigrateError {
    /// Returns what a file's fault means.
    pub(super) fn of(file: &MigrationFile, fault: ServerFault) -> Self {
        let text = file.migration.sql().unwrap_or_default();
        let (line, column) = fault.position.map(|at| line_and_column(text, at)).unzip();
        let what = match fault.sqlstate.as_deref() {
            Some("55P04") => format!(
                "move ALTER TYPE … ADD VALUE from {} into a file of its own before it",
                file.name
            ),
            Some("25001" | "2D000") => format!(
                "put the statement from {} into a file of its own that begins with \
                 `{NO_TRANSACTION}`",
                file.name
            ),
            // Outside a transaction a statement may have been done when its run was killed.
            Some("42P07") if text.contains("no-transaction") => {
                format!("drop what {} makes, if a run that was killed made it", file.name)
            }
            Some(code) if code.starts_with("23") => {
                format!("correct the data, or {}", file.name)
            }
            _ => format!("correct {}", file.name),
        };
        let remedy = match fault.kind() {
            ErrorKind::Unavailable => "run the same command again".to_owned(),
            _ => format!("{what}, then run the same command again"),
        };
        let migration = file.migration.to_string();
        Self::Failed { migration, line, column, fault: Box::new(fault), remedy }
    }
}

impl Classified for MigrateError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Postgres(error) => error.hint(),
            Self::Failed { remedy, .. } => Some(remedy.clone()),
            Self::Unreadable { .. } | Self::Runner(_) => None,
        }
    }

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
                ErrorKind::Internal | ErrorKind::Refused | ErrorKind::Denied => {
                    ErrorKind::Incomplete
                }
                other => other,
            },
            Self::Unreadable { .. } => ErrorKind::Conflict,
            Self::Runner(_) => ErrorKind::Internal,
        }
    }
}
