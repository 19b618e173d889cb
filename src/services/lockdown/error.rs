//! Why a lockdown or an unlock did not begin; what fails later is a layer's own result.

use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind};

/// What can go wrong before a layer is cut.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockdownError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// No tenant has this slug.
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
    /// Stopped after the control plane's commit, before anything else was cut.
    #[error(
        "cut more of `{0}` than its access by the control plane: interrupted; gate, Auth and \
         connections are as they were, and nothing was tried"
    )]
    OnlyBegun(String),
}

impl LockdownError {
    /// Returns whether the server ended the transaction because two waited for each other.
    pub(super) fn is_deadlock(&self) -> bool {
        let Self::ControlPlane(ControlPlaneError::Postgres(error)) = self else { return false };
        error.is("40P01")
    }
}

impl From<PgError> for LockdownError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}

impl Classified for LockdownError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::NoTenant(_) => ErrorKind::NotFound,
            Self::OnlyBegun(_) => ErrorKind::Interrupted,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NoTenant(named) => std::slice::from_ref(named),
            Self::ControlPlane(_) | Self::OnlyBegun(_) => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::OnlyBegun(_) => Some("run the same command again: it goes on".to_owned()),
        }
    }
}
