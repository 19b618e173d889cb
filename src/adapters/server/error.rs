//! What the cluster or a tenant's database can refuse.

use std::path::PathBuf;

use crate::adapters::postgres::{MigrateError, PgError};
use crate::model::{Classified, ErrorKind};

/// Why the cluster could not do something.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server or the way to it.
    #[error(transparent)]
    Postgres(#[from] PgError),
    /// A migration.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A database or role that carries our name belongs to somebody else.
    #[error("use {what} `{name}`: {finding}")]
    Stranger {
        /// A database or a role.
        what: &'static str,
        /// Its name.
        name: String,
        /// What contradicts that it is ours.
        finding: String,
    },
    /// The gate inside the tenant's database is not what was written to it.
    #[error("set the tenant's gate: {0}")]
    Gate(&'static str),
    /// A database that must be there is not.
    #[error("find database `{0}` on the cluster")]
    NoDatabase(String),
    /// Something between us and the server mixes sessions, so no lock protects anything.
    #[error(
        "lock anything on the cluster: a pooler in transaction mode answers there, and locks need \
         a session of their own"
    )]
    Pooled,
    /// Another tenantctl is busy with the same thing.
    #[error("lock {what}: {holder} holds it")]
    Busy {
        /// What is locked.
        what: &'static str,
        /// Who holds it, as far as the server says.
        holder: String,
    },
    /// A seed file failed; the whole set was rolled back.
    #[error("apply the seed file {file}")]
    Seed {
        /// Set and file.
        file: String,
        /// What the server said.
        #[source]
        source: PgError,
    },
    /// A folder of migrations cannot be used.
    #[error("read the migrations in {}: {problem}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Sessions would not end.
    #[error("end the sessions on `{database}`: {left} of them came back or stayed")]
    SessionsStay {
        /// The database.
        database: String,
        /// How many were left.
        left: i64,
    },
    /// The operating system gave no random bytes.
    #[error("make a password: the system gives no random bytes")]
    NoRandomness,
}

impl Classified for ServerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => error.kind(),
            Self::Seed { source, .. } => match source.kind() {
                ErrorKind::Internal => ErrorKind::Incomplete,
                other => other,
            },
            Self::Migrate(error) => error.kind(),
            Self::Stranger { .. } | Self::Gate(_) => ErrorKind::Incomplete,
            Self::NoDatabase(_) | Self::Busy { .. } => ErrorKind::Conflict,
            Self::Pooled => ErrorKind::Refused,
            Self::Folder { .. } => ErrorKind::Usage,
            Self::SessionsStay { .. } => ErrorKind::Unavailable,
            Self::NoRandomness => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Postgres(error) => error.hint(),
            Self::Migrate(error) => error.hint(),
            Self::Stranger { .. } => Some(
                "nothing of it was touched; look at it, and move it away or choose another slug"
                    .to_owned(),
            ),
            Self::Pooled => Some(
                "set TENANTCTL_CLUSTER_URL to the server itself or to its session-mode port"
                    .to_owned(),
            ),
            Self::Busy { .. } => Some("wait for it, or pass a longer --timeout".to_owned()),
            Self::NoDatabase(_)
            | Self::Seed { .. }
            | Self::Folder { .. }
            | Self::SessionsStay { .. }
            | Self::Gate(_)
            | Self::NoRandomness => None,
        }
    }
}
