//! What the cluster or a tenant's database can refuse.

use std::path::PathBuf;

use super::contradiction::Contradiction;
use crate::adapters::postgres::{LockError, MigrateError, PgError, identifier, place};
use crate::model::{Classified, ErrorKind, Refusal};

/// Why the cluster could not do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error(transparent)]
    Postgres(#[from] PgError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The server does not take an operator's statement, which changed nothing.
    #[error(transparent)]
    Query(PgError),
    /// Something that carries a tenant's name is not provably that tenant's.
    #[error("use {what} `{name}`: {contradiction}")]
    Contradicted {
        /// A database, a role, a project or a cluster.
        what: &'static str,
        name: String,
        contradiction: Contradiction,
    },
    /// The gate inside the tenant's database is not what was written to it.
    #[error("set the tenant's gate: {0}")]
    Gate(&'static str),
    /// No clean build to compare a catalog with could be had.
    #[error("make a clean build to compare with: {0}")]
    CleanBuild(&'static str),
    /// A history's row is not what it was a moment ago.
    #[error("accept {0}: its row in the migration history was changed meanwhile")]
    HistoryMoved(String),
    /// A database that must be there is not.
    #[error("find database `{0}` on the cluster")]
    NoDatabase(String),
    #[error(transparent)]
    Lock(LockError),
    /// A seed file failed; the whole set was rolled back.
    #[error("apply the seed file {file}{}", place(*line, *column))]
    Seed {
        file: String,
        /// The line of the file the server points at, counted from 1.
        line: Option<usize>,
        /// The column in that line, counted from 1.
        column: Option<usize>,
        /// What the server said.
        #[source]
        source: PgError,
    },
    /// A folder of migrations cannot be used.
    #[error("read the migrations in {}: {problem}", folder.display())]
    Folder {
        folder: PathBuf,
        problem: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// Sessions would not end.
    #[error("end the sessions on `{database}`: {left} of them came back or stayed")]
    SessionsStay {
        database: String,
        /// How many were left.
        left: i64,
    },
    /// A prepared transaction that is not the tenant's keeps the database from being dropped.
    #[error(
        "drop `{database}`: the prepared transaction `{name}` is in it, and only `{owner}` or a \
         superuser may end it"
    )]
    Prepared { database: String, name: String, owner: String },
    /// A login cannot be dropped.
    #[error("drop the login `{login}`: it still has {}", left.join("; "))]
    StillOwns {
        login: String,
        /// What is left in each database, and why.
        left: Vec<String>,
    },
    /// The operating system gave no random bytes.
    #[error("make a password: the system gives no random bytes")]
    NoRandomness,
}

impl From<LockError> for ServerError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Postgres(error) => Self::Postgres(error),
            other => Self::Lock(other),
        }
    }
}

impl Classified for ServerError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Postgres(error) | Self::Query(error) => error.refusal(),
            Self::Migrate(error) => error.refusal(),
            Self::Seed { source, .. } => source.refusal(),
            _ => Refusal::default(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => error.kind(),
            Self::Query(error) => match error.kind() {
                ErrorKind::Internal => ErrorKind::Refused,
                // It would write, now and at any other time.
                _ if error.is("25006") => ErrorKind::Refused,
                other => other,
            },
            Self::Seed { source, .. } => match source.kind() {
                ErrorKind::Internal | ErrorKind::Refused | ErrorKind::Denied => {
                    ErrorKind::Incomplete
                }
                other => other,
            },
            Self::Migrate(error) => error.kind(),
            Self::Contradicted { .. }
            | Self::Gate(_)
            | Self::CleanBuild(_)
            | Self::StillOwns { .. } => ErrorKind::Incomplete,
            Self::Lock(error) => error.kind(),
            // What the record names is not there, as a tenant may not be that was named.
            Self::NoDatabase(_) => ErrorKind::NotFound,
            Self::HistoryMoved(_) | Self::Prepared { .. } => ErrorKind::Conflict,
            Self::Folder { .. } => ErrorKind::Usage,
            Self::SessionsStay { .. } => ErrorKind::Unavailable,
            Self::NoRandomness => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            // We choose a project's address ourselves, and always the port of session mode.
            Self::Postgres(PgError::Pooled { .. }) => Some(
                "set TENANTCTL_CLUSTER_URL to the server itself or to its session-mode port"
                    .to_owned(),
            ),
            Self::Postgres(error) | Self::Query(error) => error.hint(),
            Self::Migrate(error) => error.hint(),
            Self::Contradicted { .. } => Some(
                "nothing of it was touched; look at it, and move it away or choose another slug"
                    .to_owned(),
            ),
            Self::Lock(error) => error.hint(),
            Self::Folder { remedy, .. } => remedy.clone(),
            Self::Seed { file, source, .. } => Some(match source.kind() {
                ErrorKind::Unavailable => "run the same command again".to_owned(),
                _ => format!("correct {file}, then run the same command again"),
            }),
            Self::Prepared { database, .. } => Some(format!(
                "have it ended by COMMIT PREPARED or ROLLBACK PREPARED inside the database, which \
                 is closed until then: ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS true"
            )),
            Self::StillOwns { login, .. } => Some(format!(
                "in each of these databases, as a superuser: DROP OWNED BY {login}; or as the owner of \
                 what was granted: REVOKE ALL ON … FROM {login}",
                login = identifier(login)
            )),
            Self::NoDatabase(_) => Some(
                "it is recorded and not there: `tenantctl tenant list` shows whose are missing; if it was \
                 dropped on purpose, delete and purge the tenant"
                    .to_owned(),
            ),
            Self::HistoryMoved(_)
            | Self::SessionsStay { .. }
            | Self::Gate(_)
            | Self::CleanBuild(_)
            | Self::NoRandomness => None,
        }
    }
}
