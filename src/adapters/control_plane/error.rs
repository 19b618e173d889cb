//! What the control plane can refuse.

use crate::adapters::postgres::{Blocker, LockError, MigrateError, PgError};
use crate::model::{Classified, ErrorKind, Refusal};

/// Why the control plane could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    /// The server or the way to it.
    #[error(transparent)]
    Postgres(#[from] PgError),
    /// Its migrations.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A lock.
    #[error(transparent)]
    Lock(LockError),
    /// Somebody held a lock for longer than we wait.
    #[error(
        "take a lock that logins need as well: {} holds it",
        holder.as_ref().map_or("another session".to_owned(), ToString::to_string)
    )]
    Held {
        /// Who held it, as far as the server shows that to us.
        holder: Option<Blocker>,
        /// What was being done.
        #[source]
        source: Box<ControlPlaneError>,
    },
    /// The schema is not there.
    #[error("find the control plane: schema `control_plane` is not installed on {0}")]
    NotInstalled(String),
    /// The schema is older than this binary needs.
    #[error("use the control plane: it stands at V{found}, this tenantctl needs V{known}")]
    Outdated {
        /// Where it stands.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// The schema was upgraded by a newer binary.
    #[error("use the control plane: it stands at V{found}, this tenantctl knows only V{known}")]
    Newer {
        /// Where it stands.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// The functions are not those of this binary, and no later one installed them.
    #[error("use the control plane: its functions are not those of this tenantctl")]
    OtherFunctions,
    /// A newer binary installed the functions.
    #[error("use the control plane: its functions are those of tenantctl {0}, which is newer")]
    NewerFunctions(String),
    /// Somebody else took the operation over while we were not looking.
    #[error("continue the operation: another tenantctl has taken it over since")]
    LeaseLost,
    /// A row that must be there changed or vanished under us.
    #[error("change {0}: it is not in the state it was read in")]
    Changed(&'static str),
}

impl From<LockError> for ControlPlaneError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Postgres(error) => Self::Postgres(error),
            other => Self::Lock(other),
        }
    }
}

impl Classified for ControlPlaneError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Postgres(error) => error.refusal(),
            Self::Migrate(error) => error.refusal(),
            Self::Held { source, .. } => source.refusal(),
            _ => Refusal::default(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Postgres(error) => error.kind(),
            Self::Migrate(error) => error.kind(),
            Self::Lock(error) => error.kind(),
            Self::Held { .. } => ErrorKind::Unavailable,
            Self::NotInstalled(_) | Self::Outdated { .. } | Self::OtherFunctions => {
                ErrorKind::Refused
            }
            Self::Newer { .. } | Self::NewerFunctions(_) | Self::LeaseLost | Self::Changed(_) => {
                ErrorKind::Conflict
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotInstalled(_) | Self::Outdated { .. } | Self::OtherFunctions => {
                Some("tenantctl init".to_owned())
            }
            Self::Newer { .. } | Self::NewerFunctions(_) => {
                Some("install the newer tenantctl that upgraded it".to_owned())
            }
            Self::Held { holder, .. } => Some(holder.as_ref().map_or(
                "let that session end, or end it; then run the same command again".to_owned(),
                Blocker::hint,
            )),
            Self::LeaseLost | Self::Changed(_) => {
                Some("run the command again to see where things stand".to_owned())
            }
            Self::Postgres(PgError::Pooled { .. }) => Some(
                "set TENANTCTL_CONTROL_PLANE_URL to the server itself or to its session-mode port"
                    .to_owned(),
            ),
            Self::Postgres(error) => error.hint(),
            Self::Migrate(error) => error.hint(),
            Self::Lock(error) => error.hint(),
        }
    }
}
