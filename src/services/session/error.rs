//! What can go wrong with sessions.

use super::user::UserError;
use crate::adapters::control_plane::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind, UserId};

#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error("find tenant `{0}`: there is none")]
    NoTenant(String),
    /// No row of `sessions` has this `jti`.
    #[error("find session `{0}`: none was recorded")]
    NoSession(String),
    /// Sessions are issued in active tenants only.
    #[error("issue a session in `{slug}`: it is {status}")]
    NotActive { slug: String, status: &'static str },
    #[error("issue a session in `{slug}`: an operator removed user {user} there")]
    Removed { slug: String, user: UserId },
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
            Self::User(error) => error.kind(),
            Self::NoTenant(_) | Self::NoSession(_) => ErrorKind::NotFound,
            Self::NotActive { .. } | Self::Removed { .. } => ErrorKind::Conflict,
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
            Self::User(error) => error.hint(),
            Self::NoTenant(_) => Some("tenantctl tenant list".to_owned()),
            Self::NoSession(_) => None,
            Self::Removed { slug, user } => Some(format!("tenantctl member add {slug} {user}")),
            Self::NotActive { slug, .. } => Some(format!("tenantctl tenant show {slug}")),
        }
    }
}
