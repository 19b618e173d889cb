//! Why a lockdown or an unlock did not begin; what fails later is a layer's own result.

use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::adapters::server::ServerError;
use crate::model::{Classified, ErrorKind};

/// What can go wrong before a layer is cut.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockdownError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// No tenant has this slug.
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
    #[error(transparent)]
    Server(#[from] ServerError),
    /// No database of the cluster carries the tenant's stamp.
    #[error("find the database of `{0}` on the cluster: none carries that tenant's stamp")]
    NoStamp(String),
    /// Several control planes use the cluster, and each has a tenant of that slug.
    #[error("find the database of `{slug}` on the cluster: {} carry that slug", ids.len())]
    SeveralStamps { slug: String, ids: Vec<String> },
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
            Self::Server(error) => error.kind(),
            Self::NoTenant(_) | Self::NoStamp(_) => ErrorKind::NotFound,
            Self::SeveralStamps { .. } => ErrorKind::Conflict,
            Self::OnlyBegun(_) => ErrorKind::Interrupted,
        }
    }

    fn missing_tenants(&self) -> &[String] {
        match self {
            Self::NoTenant(named) => std::slice::from_ref(named),
            _ => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::Server(error) => error.hint(),
            Self::NoStamp(_) => Some(
                "a tenant with a project of its own is shut in Supabase's dashboard: pause the project".to_owned(),
            ),
            Self::SeveralStamps { ids, .. } => Some(format!("name it by its id: {}", ids.join(", "))),
            Self::OnlyBegun(_) => Some("run the same command again: it goes on".to_owned()),
        }
    }
}
