//! `session revoke`: cuts what exists now, by one number or one row, and marks rows afterwards.

use sqlx::Connection;
use uuid::Uuid;

use super::SessionError;
use crate::adapters::control_plane::{self, AuditEntry, AuditOutcome, ControlPlane, SessionScope};
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Jti, Reason, Slug, TenantId, UserId};

/// What the operator wants revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One session.
    Session(Jti),
    /// Everything of a user.
    User(UserId),
    /// Everything in a tenant.
    Tenant(Slug),
    /// Everything of a user in one tenant.
    UserInTenant(UserId, Slug),
}

/// A revocation, complete.
#[derive(Debug)]
pub struct RevokeRequest {
    /// What.
    pub target: Target,
    /// Why.
    pub reason: Reason,
    /// Who asks.
    pub actor: Actor,
    /// Whether to count only.
    pub is_dry_run: bool,
}

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeReport {
    /// What was revoked.
    pub target: Target,
    /// How many sessions were valid until then.
    pub sessions: i64,
    /// Whether nothing was done on purpose.
    pub is_dry_run: bool,
    /// Whether it had been revoked before.
    pub was_revoked: bool,
}

/// Revokes; from the commit on, every check says no.
///
/// # Errors
/// When what is named does not exist, or the control plane does not answer.
pub async fn revoke(
    plane: &ControlPlane,
    request: &RevokeRequest,
) -> Result<RevokeReport, SessionError> {
    let mut session = plane.session().await?;
    let (scope, tenant_id) = resolve(plane, &request.target).await?;
    if let SessionScope::Session(jti) = &scope
        && control_plane::find_session(&mut session, jti).await?.is_none()
    {
        return Err(SessionError::NoSession(jti.to_string()));
    }
    let sessions = control_plane::count_live(&mut session, &scope).await?;
    let report = |was_revoked| RevokeReport {
        target: request.target.clone(),
        sessions,
        is_dry_run: request.is_dry_run,
        was_revoked,
    };
    if request.is_dry_run {
        return Ok(report(false));
    }
    let operation_id = Uuid::now_v7();
    let target = shown(&request.target);
    let entry = |outcome| AuditEntry {
        actor: &request.actor,
        action: "session.revoke",
        tenant_id,
        target: Some(&target),
        reason: Some(&request.reason),
        detail: serde_json::json!({ "sessions": sessions }),
        outcome,
        operation_id,
    };
    let doing = || PgError::doing("revoke the sessions");
    let mut transaction = session.begin().await.map_err(doing())?;
    control_plane::append(&mut transaction, &entry(AuditOutcome::Intent)).await?;
    let was_revoked = if let SessionScope::Session(jti) = &scope {
        let is_new =
            control_plane::revoke_session(&mut transaction, jti, &request.actor, &request.reason)
                .await?;
        is_new != Some(true)
    } else {
        control_plane::raise_epochs(&mut transaction, &scope).await?;
        false
    };
    let outcome = if was_revoked { AuditOutcome::Unchanged } else { AuditOutcome::Done };
    control_plane::append(&mut transaction, &entry(outcome)).await?;
    transaction.commit().await.map_err(doing())?;
    // Access is cut; the rows are marked for the record only.
    if !matches!(scope, SessionScope::Session(_)) {
        while control_plane::mark_revoked(&mut session, &scope, &request.actor, &request.reason)
            .await?
            > 0
        {}
    }
    Ok(report(was_revoked))
}

async fn resolve(
    plane: &ControlPlane,
    target: &Target,
) -> Result<(SessionScope, Option<TenantId>), SessionError> {
    let slug = match target {
        Target::Session(jti) => return Ok((SessionScope::Session(jti.clone()), None)),
        Target::User(user) => return Ok((SessionScope::User(*user), None)),
        Target::Tenant(slug) | Target::UserInTenant(_, slug) => slug,
    };
    let tenant = control_plane::find_live(&mut *plane.session().await?, slug).await?;
    let id = tenant.ok_or_else(|| SessionError::NoTenant(slug.to_string()))?.id;
    let scope = match target {
        Target::UserInTenant(user, _) => SessionScope::UserInTenant(*user, id),
        _ => SessionScope::Tenant(id),
    };
    Ok((scope, Some(id)))
}

fn shown(target: &Target) -> String {
    match target {
        Target::Session(jti) => format!("session {jti}"),
        Target::User(user) => format!("user {user}"),
        Target::Tenant(slug) => format!("tenant {slug}"),
        Target::UserInTenant(user, slug) => format!("user {user} in tenant {slug}"),
    }
}
