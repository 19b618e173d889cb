//! One layer of a cut, with its own result and time.

use std::time::Duration;

use crate::adapters::auth_admin::AuthAdminError;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::adapters::server::ServerError;
use crate::model::{Classified, ErrorKind, Patience};
use crate::services::home::Away;

/// How one layer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LayerVerdict {
    /// It was cut, or given back.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// There is no such layer here.
    Absent,
    /// There may be one, and it is out of reach.
    NotCovered,
    /// It failed; what, with its causes.
    Failed(Vec<String>),
}

impl LayerVerdict {
    /// Returns the word in reports and events.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Absent => "absent",
            Self::NotCovered => "not_covered",
            Self::Failed(_) => "failed",
        }
    }
}

/// One layer's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerReport {
    /// Its word: `control_plane`, `gate`, `auth`, `project_auth`, `connections`.
    pub layer: &'static str,
    /// How it ended.
    pub verdict: LayerVerdict,
    /// What was done, in a few words.
    pub detail: String,
    pub elapsed: Duration,
    /// How long after the command began it was over.
    pub at: Duration,
}

impl LayerReport {
    /// Returns whether the layer failed.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.verdict, LayerVerdict::Failed(_))
    }
}

/// What a layer's work comes to: done or not, and what.
pub(super) type Worked = Result<(LayerVerdict, String), LayerError>;

/// What is said of what a command's deadline did not leave the time for.
pub(super) const NOT_IN_TIME: &str = "not reached in time";

pub(super) fn failed(detail: &str) -> (LayerVerdict, String) {
    (LayerVerdict::Failed(vec![detail.to_owned()]), detail.to_owned())
}

/// Does something for as long as a command's deadline allows, with time left for what follows on it;
/// returns nothing where that is over.
pub(super) async fn in_time<T>(patience: Patience, work: impl Future<Output = T>) -> Option<T> {
    match patience.left() {
        None => Some(work.await),
        Some(_) => tokio::time::timeout_at(patience.leaving_time().until(), work).await.ok(),
    }
}

/// Why a layer failed; either side of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Away(#[from] Away),
    #[error(transparent)]
    AuthAdmin(#[from] AuthAdminError),
    #[error("{0}")]
    Auth(&'static str),
    #[error(
        "see the rows of Supabase Auth's tables beside the control plane: they may not be read, or row \
         security hides them"
    )]
    Hidden,
    /// The control plane took too long while a row on the tenant's server was held.
    #[error("ask the control plane once more: it does not answer in time")]
    Slow,
}

impl Classified for LayerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::Server(error) => error.kind(),
            Self::Away(error) => error.kind(),
            Self::AuthAdmin(error) => error.kind(),
            Self::Auth(_) => ErrorKind::Refused,
            Self::Hidden => ErrorKind::Denied,
            Self::Slow => ErrorKind::Unavailable,
        }
    }
}

impl From<PgError> for LayerError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}
