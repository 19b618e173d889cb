//! From what an operator typed to a user.

use sqlx::postgres::PgConnection;

use crate::adapters::auth_tables;
use crate::adapters::control_plane::{ControlPlane, ControlPlaneError};
use crate::adapters::postgres::PgError;
use crate::model::{Classified, ErrorKind, UserId, UserRef};

/// Why a user cannot be told from what was typed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
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
}

impl From<PgError> for UserError {
    fn from(error: PgError) -> Self {
        Self::ControlPlane(error.into())
    }
}

impl Classified for UserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane(error) => error.kind(),
            Self::NoUser(_) => ErrorKind::NotFound,
            Self::NoAuth(_) => ErrorKind::Refused,
            Self::Several { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ControlPlane(error) => error.hint(),
            Self::NoUser(_) => None,
            Self::NoAuth(_) => Some("pass the user's UUID".to_owned()),
            Self::Several { users, .. } => {
                let users: Vec<_> = users.iter().map(ToString::to_string).collect();
                Some(format!("pass the UUID of one of them: {}", users.join(", ")))
            }
        }
    }
}

/// Returns the user's id as [`find_user`] does; an id alone contacts nothing.
pub(crate) async fn resolve_user(
    plane: &ControlPlane,
    user: &UserRef,
) -> Result<UserId, UserError> {
    match user {
        UserRef::Id(id) => Ok(*id),
        UserRef::Email(_) => find_user(&mut *plane.session().await?, user).await,
    }
}

/// Returns the user's id; an id is taken as it is.
///
/// # Errors
/// When an address is nobody's, or that of several users, or cannot be looked up.
pub(crate) async fn find_user(
    session: &mut PgConnection,
    user: &UserRef,
) -> Result<UserId, UserError> {
    let email = match user {
        UserRef::Id(id) => return Ok(*id),
        UserRef::Email(email) => email,
    };
    if !auth_tables::sees_auth(session).await? {
        return Err(UserError::NoAuth(email.to_string()));
    }
    let users = auth_tables::users_with_email(session, email).await?;
    match users.as_slice() {
        [] => Err(UserError::NoUser(email.to_string())),
        [one] => Ok(*one),
        _ => Err(UserError::Several { email: email.to_string(), users }),
    }
}
