//! Why something could not be done with a session.

use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind};

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The control plane.
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// There is no such tenant.
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
    /// No session was recorded under this id.
    #[error("find session `{0}`: none was recorded")]
    NoSession(String),
    /// The tenant takes no sessions now.
    #[error("issue a session in `{slug}`: it is {status}")]
    NotActive {
        /// The tenant.
        slug: String,
        /// Its status.
        status: &'static str,
    },
}

impl From<PgError> for SessionError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}

impl Classified for SessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::NoTenant(_) | Self::NoSession(_) => ErrorKind::NotFound,
            Self::NotActive { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::NoSession(_) => None,
            Self::NotActive { slug, .. } => Some(format!("tenantctl tenant show {slug}")),
        }
    }
}
