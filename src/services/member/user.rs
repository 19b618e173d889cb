//! From what an operator typed to a tenant and a user.

use sqlx::postgres::PgConnection;

use super::error::MemberError;
use crate::adapters::auth_tables;
use crate::adapters::control_plane;
use crate::model::{Tenant, TenantRef, UserId, UserRef};

pub(super) async fn find_tenant(
    session: &mut PgConnection,
    named: &TenantRef,
) -> Result<Tenant, MemberError> {
    let found = control_plane::find_live(session, named).await?;
    found.ok_or_else(|| MemberError::NoTenant(named.to_string()))
}

/// Returns the user's id; an id is taken as it is.
///
/// # Errors
/// When an address is nobody's, or that of several users, or cannot be looked up.
pub(super) async fn find_user(
    session: &mut PgConnection,
    user: &UserRef,
) -> Result<UserId, MemberError> {
    let email = match user {
        UserRef::Id(id) => return Ok(*id),
        UserRef::Email(email) => email,
    };
    if !auth_tables::sees_auth(session).await? {
        return Err(MemberError::NoAuth(email.to_string()));
    }
    let users = auth_tables::users_with_email(session, email).await?;
    match users.as_slice() {
        [] => Err(MemberError::NoUser(email.to_string())),
        [one] => Ok(*one),
        _ => Err(MemberError::Several { email: email.to_string(), users }),
    }
}
