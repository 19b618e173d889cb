//! `session check`, `session show` and `session list`.

use sqlx::postgres::PgConnection;

use super::error::SessionError;
use super::user::find_user;
use crate::adapters::control_plane::{self, ControlPlane, Session, SessionFilter};
use crate::model::{Jti, SessionState, TenantRef, UserId, UserRef};

/// How many sessions `session list` shows at most.
const LIMIT: i64 = 10_000;

/// How many sessions are offered to choose from.
const RECENT: i64 = 50;

#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    pub user: Option<UserRef>,
    pub tenant: Option<TenantRef>,
    /// Whether to list those that are no longer valid as well.
    pub all: bool,
}

/// Returns what `control_plane.session_state` says about a session.
pub(crate) async fn check(plane: &ControlPlane, jti: &Jti) -> Result<SessionState, SessionError> {
    Ok(control_plane::session_state(&mut *plane.session().await?, jti).await?)
}

/// Returns a session as recorded.
///
/// # Errors
/// When none was recorded.
pub(crate) async fn show(plane: &ControlPlane, jti: &Jti) -> Result<Session, SessionError> {
    let found = control_plane::find_session(&mut *plane.session().await?, jti).await?;
    found.ok_or_else(|| SessionError::NoSession(jti.to_string()))
}

/// Returns the newest sessions of all tenants, valid or not, for a person who chooses one.
pub(crate) async fn recent(plane: &ControlPlane) -> Result<Vec<Session>, SessionError> {
    let filter = SessionFilter { user_id: None, tenant_id: None, all: true };
    let mut session = plane.session().await?;
    Ok(control_plane::list_sessions(&mut session, &filter, RECENT).await?)
}

/// The sessions of a user or a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListReport {
    /// Newest first, at most 10,000.
    pub sessions: Vec<Session>,
    /// The user who is asked for and was never seen here: no session, no tenant.
    pub unseen: Option<UserId>,
}

/// Returns sessions, newest first, at most 10,000.
///
/// # Errors
/// When no such tenant exists, or no user has the address.
pub(crate) async fn list(
    plane: &ControlPlane,
    request: &ListRequest,
) -> Result<ListReport, SessionError> {
    let mut session = plane.session().await?;
    let tenant_id = match &request.tenant {
        None => None,
        Some(named) => {
            let tenant = control_plane::find_any(&mut session, named).await?;
            Some(tenant.ok_or_else(|| SessionError::NoTenant(named.to_string()))?.id)
        }
    };
    let user_id = match &request.user {
        None => None,
        Some(user) => Some(find_user(&mut session, user).await?),
    };
    let filter = SessionFilter { user_id, tenant_id, all: request.all };
    let sessions = control_plane::list_sessions(&mut session, &filter, LIMIT).await?;
    let unseen = match user_id {
        Some(user) if sessions.is_empty() => unseen(&mut session, user).await?,
        _ => None,
    };
    Ok(ListReport { sessions, unseen })
}

/// Returns the user when they were never seen here.
pub(super) async fn unseen(
    session: &mut PgConnection,
    user: UserId,
) -> Result<Option<UserId>, SessionError> {
    let is_seen = control_plane::is_seen_user(session, user).await?;
    Ok((!is_seen).then_some(user))
}
