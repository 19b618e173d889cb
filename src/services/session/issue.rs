//! `session issue`: a session recorded under the epochs of this moment.

use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

use super::error::SessionError;
use crate::adapters::control_plane::{self, ControlPlane, NewSession};
use crate::model::{Jti, Slug, UserId};

/// A session to be recorded.
#[derive(Debug)]
pub struct IssueRequest {
    /// Whose it is.
    pub user_id: UserId,
    /// In which tenant.
    pub tenant: Slug,
    /// How long it lives.
    pub ttl: Duration,
    /// From where.
    pub ip: Option<IpAddr>,
    /// With what.
    pub device: Option<String>,
    /// What else is worth keeping, a JSON object.
    pub metadata: serde_json::Value,
}

/// A session that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueReport {
    /// Its id.
    pub jti: Jti,
    /// Whose it is.
    pub user_id: UserId,
    /// In which tenant.
    pub tenant: Slug,
    /// When it begins.
    pub issued_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

/// Records a session. It is its own record: the audit trail gets no row for it.
///
/// # Errors
/// When there is no such tenant, it is not active, or the control plane does not answer.
pub async fn issue(
    plane: &ControlPlane,
    request: &IssueRequest,
) -> Result<IssueReport, SessionError> {
    let mut session = plane.session().await?;
    let tenant = control_plane::find_live(&mut session, &request.tenant).await?;
    let tenant = tenant.ok_or_else(|| SessionError::NoTenant(request.tenant.to_string()))?;
    let new = NewSession {
        jti: Jti::generate(),
        user_id: request.user_id,
        tenant_id: tenant.id,
        ttl_seconds: i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX),
        ip: request.ip,
        device: request.device.clone(),
        metadata: request.metadata.clone(),
    };
    match control_plane::insert_session(&mut session, &new).await? {
        Some((issued_at, expires_at)) => Ok(IssueReport {
            jti: new.jti,
            user_id: request.user_id,
            tenant: tenant.slug,
            issued_at,
            expires_at,
        }),
        None => Err(SessionError::NotActive {
            slug: tenant.slug.to_string(),
            status: tenant.status.word(),
        }),
    }
}
