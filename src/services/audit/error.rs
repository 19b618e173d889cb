//! Why the audit trail could not be read.

use crate::adapters::control_plane::ControlPlaneError;
use crate::model::{Classified, ErrorKind};

/// What can go wrong with the audit trail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// No tenant ever had this slug.
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
}

impl Classified for AuditError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::NoTenant(_) => ErrorKind::NotFound,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NoTenant(named) => std::slice::from_ref(named),
            Self::ControlPlane(_) => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
        }
    }
}
