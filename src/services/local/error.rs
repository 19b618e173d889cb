//! What was wanted of the private local Postgres when it could not be had.

use crate::adapters::local::LocalError;
use crate::model::{Classified, ErrorKind};

/// A failure of the private local Postgres, with what was wanted of it.
#[derive(Debug, thiserror::Error)]
#[error("{wanted} the private local Postgres")]
pub struct LocalFailure {
    wanted: &'static str,
    #[source]
    source: LocalError,
}

impl LocalFailure {
    /// Returns a function that says what was wanted.
    pub(super) fn of(wanted: &'static str) -> impl Fn(LocalError) -> Self {
        move |source| Self { wanted, source }
    }
}

impl Classified for LocalFailure {
    fn kind(&self) -> ErrorKind {
        match &self.source {
            LocalError::BadPath { .. } => ErrorKind::Usage,
            LocalError::ProgramsMissing { .. }
            | LocalError::VersionMismatch { .. }
            | LocalError::NeedsRoot { .. }
            | LocalError::NoAccount
            | LocalError::Blocked { .. }
            | LocalError::NotOurs { .. } => ErrorKind::Refused,
            LocalError::OtherOwner { .. } => ErrorKind::Denied,
            LocalError::Locked { .. } | LocalError::StillHeld { .. } => ErrorKind::Conflict,
            LocalError::StartTimedOut { .. }
            | LocalError::Unresponsive { .. }
            | LocalError::StopTimedOut { .. }
            | LocalError::DiskFull { .. }
            | LocalError::InstallFailed { .. } => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        self.source.hint().map(|hint| match &self.source {
            LocalError::ProgramsMissing { .. } => format!("{hint}, or pass --install"),
            _ => hint,
        })
    }
}
