//! `session issue`: records a session with the tenant's and the user's present epochs.

use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

use super::error::SessionError;
use super::user::find_user;
use crate::adapters::control_plane::{self, ControlPlane, ControlPlaneError, NewSession};
use crate::adapters::postgres::PgError;
use crate::model::{Jti, TenantNames, TenantRef, UserId, UserRef};

#[derive(Debug)]
pub(crate) struct IssueRequest {
    pub user: UserRef,
    pub tenant: TenantRef,
    pub ttl: Duration,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The name of the device, up to 400 bytes (a check of the table).
    pub device: Option<String>,
    /// A JSON object that is kept with the row; nothing here reads it.
    pub metadata: serde_json::Value,
    /// Whether it is taken back again, so that nothing is changed.
    pub is_dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssueReport {
    pub jti: Jti,
    pub user_id: UserId,
    pub tenant: TenantNames,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub is_dry_run: bool,
}

/// Records a session. The row is its own record: the audit trail gets no entry for it.
///
/// # Errors
/// When no such tenant exists, or it is not active.
pub(crate) async fn issue(
    plane: &ControlPlane,
    request: &IssueRequest,
) -> Result<IssueReport, SessionError> {
    let mut session = plane.begin().await?;
    let tenant = control_plane::find_live(&mut session, &request.tenant).await?;
    let tenant = tenant.ok_or_else(|| SessionError::NoTenant(request.tenant.to_string()))?;
    let user_id = find_user(&mut session, &request.user).await?;
    let new = NewSession {
        jti: Jti::generate(),
        user_id,
        tenant_id: tenant.id,
        ttl_seconds: i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX),
        ip: request.ip,
        device: request.device.clone(),
        metadata: request.metadata.clone(),
    };
    match control_plane::insert_session(&mut session, &new).await? {
        Some(lifetime) => {
            if !request.is_dry_run {
                let committed = session.commit().await;
                committed
                    .map_err(PgError::doing("record the session"))
                    .map_err(ControlPlaneError::from)?;
            }
            Ok(IssueReport {
                jti: new.jti,
                user_id,
                tenant: TenantNames::from(&tenant),
                issued_at: lifetime.issued_at,
                expires_at: lifetime.expires_at,
                is_dry_run: request.is_dry_run,
            })
        }
        None if control_plane::is_removed(&mut session, new.user_id, new.tenant_id).await? => {
            Err(SessionError::Removed { slug: tenant.slug.to_string(), user: new.user_id })
        }
        None => Err(SessionError::NotActive {
            slug: tenant.slug.to_string(),
            status: tenant.status.word(),
        }),
    }
}
