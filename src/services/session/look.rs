//! `session check`, `session show` and `session list`.

use super::error::SessionError;
use crate::adapters::control_plane::{self, ControlPlane, Session, SessionFilter};
use crate::model::{Jti, SessionState, TenantRef, UserId};

/// How many sessions `session list` shows at most.
const LIMIT: i64 = 10_000;

#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    pub user_id: Option<UserId>,
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

/// Returns sessions, newest first, at most 10,000.
///
/// # Errors
/// When no such tenant exists.
pub(crate) async fn list(
    plane: &ControlPlane,
    request: &ListRequest,
) -> Result<Vec<Session>, SessionError> {
    let mut session = plane.session().await?;
    let tenant_id = match &request.tenant {
        None => None,
        Some(named) => {
            let tenant = control_plane::find_any(&mut session, named).await?;
            Some(tenant.ok_or_else(|| SessionError::NoTenant(named.to_string()))?.id)
        }
    };
    let filter = SessionFilter { user_id: request.user_id, tenant_id, all: request.all };
    Ok(control_plane::list_sessions(&mut session, &filter, LIMIT).await?)
}
