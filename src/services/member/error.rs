//! Why a tenant's members cannot be listed or changed.

use crate::adapters::auth_admin::AuthAdminError;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind, UserId};

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
    /// Supabase Auth's tables are here, and have no such user.
    #[error("find user {0}: Supabase Auth has none")]
    NoUser(String),
    /// An e-mail address is looked up in Auth's tables alone.
    #[error(
        "find user {0}: Supabase Auth's tables are not beside the control plane, or may not be read"
    )]
    NoAuth(String),
    #[error("find user {email}: Supabase Auth has {} of that address", users.len())]
    Several { email: String, users: Vec<UserId> },
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
            Self::NoTenant(_) | Self::NoUser(_) => ErrorKind::NotFound,
            Self::NoAuth(_) | Self::Claim => ErrorKind::Refused,
            Self::Several { .. } | Self::Gone { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::AuthAdmin(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::NoUser(_) | Self::Claim => None,
            Self::NoAuth(_) => Some("pass the user's UUID".to_owned()),
            Self::Several { users, .. } => {
                let users: Vec<_> = users.iter().map(ToString::to_string).collect();
                Some(format!("pass the UUID of one of them: {}", users.join(", ")))
            }
            Self::Gone { slug, .. } => Some(format!("tenantctl tenant show {slug}")),
        }
    }
}
