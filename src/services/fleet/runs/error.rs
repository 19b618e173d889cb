//! What can go wrong with a run as a whole; what happens to one tenant is in its line.

use crate::adapters::control_plane::ControlPlaneError;
use crate::model::{Classified, ErrorKind, Refusal, RunId, RunState};
use crate::services::migration::MigrationError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error("find run {0}: there is none")]
    NoSuchRun(RunId),
    #[error("find a run to go on with: none is unfinished")]
    NoneOpen,
    /// Others are here than those it was planned with.
    #[error("take part in run {run}: {what}")]
    OtherMigrations { run: RunId, what: String },
    /// It is over, or in a state in which this cannot be done.
    #[error("{act} run {run}: it is {}", state.word())]
    WrongState { act: &'static str, run: RunId, state: RunState },
    /// A pooler in transaction mode answers at the control plane.
    #[error("take part in run {0}: the control plane is behind a pooler in transaction mode")]
    Pooled(RunId),
    /// It cannot go on, and what was done is recorded.
    #[error("go on with run {run}")]
    Stopped {
        run: RunId,
        #[source]
        source: Box<RunError>,
    },
}

impl Classified for RunError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Migration(error) => error.kind(),
            Self::ControlPlane(error) => error.kind(),
            Self::NoSuchRun(_) | Self::NoneOpen => ErrorKind::NotFound,
            Self::OtherMigrations { .. } | Self::WrongState { .. } => ErrorKind::Conflict,
            Self::Pooled(_) => ErrorKind::Refused,
            Self::Stopped { source, .. } => match source.kind() {
                ErrorKind::Unavailable => ErrorKind::Incomplete,
                other => other,
            },
        }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Self::Migration(error) => error.refusal(),
            Self::ControlPlane(error) => error.refusal(),
            Self::Stopped { source, .. } => source.refusal(),
            _ => Refusal::default(),
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::Migration(error) => error.missing_tenants(),
            _ => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Migration(error) => error.hint(),
            Self::ControlPlane(error) => error.hint(),
            Self::NoSuchRun(_) | Self::NoneOpen => Some("tenantctl migrate runs list".to_owned()),
            Self::OtherMigrations { run, .. } => Some(format!(
                "go on with the tenantctl and the files it was planned with, or end it with \
                 `tenantctl migrate runs cancel {run}` and begin a new one with `tenantctl migrate apply`"
            )),
            Self::WrongState { run, .. } => Some(format!("tenantctl migrate runs show {run}")),
            Self::Pooled(_) => Some(
                "set TENANTCTL_CONTROL_PLANE_URL to the server itself or to its session-mode port"
                    .to_owned(),
            ),
            Self::Stopped { run, .. } => Some(format!("tenantctl migrate resume {run}")),
        }
    }
}
