//! Why a tenant's members cannot be listed or changed.

use crate::adapters::auth_admin::AuthAdminError;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind};
use crate::services::session::UserError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    AuthAdmin(#[from] AuthAdminError),
    #[error("see app_metadata.tenant_id gone, although Supabase Auth accepted that")]
    Claim,
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
    #[error(transparent)]
    User(#[from] UserError),
    /// Nobody is made a member of a tenant that is on its way out.
    #[error("add a member to `{slug}`: it is {status}")]
    Gone { slug: String, status: &'static str },
}

impl From<PgError> for MemberError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}

impl Classified for MemberError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::AuthAdmin(error) => error.kind(),
            Self::User(error) => error.kind(),
            Self::NoTenant(_) => ErrorKind::NotFound,
            Self::Claim => ErrorKind::Refused,
            Self::Gone { .. } => ErrorKind::Conflict,
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
            Self::AuthAdmin(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::User(error) => error.hint(),
            Self::Claim => None,
            Self::Gone { slug, .. } => Some(format!("tenantctl tenant show {slug}")),
        }
    }
}
