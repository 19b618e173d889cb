//! `tenant protect` and `tenant unprotect`: whether deleting is refused.

use sqlx::Connection;

use super::error::TenantError;
use super::operation::find;
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane};
use crate::adapters::postgres::PgError;
use crate::model::{Act, Actor, Tenant, TenantRef};
use crate::services::audit::Entry;

/// A tenant's protection, to be switched.
#[derive(Debug)]
pub(crate) struct ProtectRequest {
    pub tenant: TenantRef,
    /// Whether deleting is to be refused from now on.
    pub is_protected: bool,
    pub actor: Actor,
}

/// What switching the protection did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProtectReport {
    /// The tenant as recorded.
    pub tenant: Tenant,
    /// Whether deleting it is refused afterwards.
    pub is_protected: bool,
    /// Whether that changes anything.
    pub has_changed: bool,
}

/// Returns what switching the protection would do; nothing is changed.
pub(crate) async fn plan(
    plane: &ControlPlane,
    request: &ProtectRequest,
) -> Result<ProtectReport, TenantError> {
    let tenant = find(plane, &request.tenant).await?;
    let has_changed = tenant.is_protected != request.is_protected;
    Ok(ProtectReport { tenant, is_protected: request.is_protected, has_changed })
}

/// Switches a tenant's protection on or off.
pub(crate) async fn run(
    plane: &ControlPlane,
    request: &ProtectRequest,
) -> Result<ProtectReport, TenantError> {
    let tenant = find(plane, &request.tenant).await?;
    let act = if request.is_protected { Act::Protect } else { Act::Unprotect };
    let mut session = plane.session().await?;
    let doing = || PgError::doing("change the tenant's protection");
    let mut transaction = session.begin().await.map_err(doing())?;
    let nothing = || serde_json::json!({});
    let entry = Entry::new(act, &request.actor).about(&tenant);
    // The tenant's row first and the trail after it, like everybody.
    let has_changed =
        control_plane::set_protected(&mut transaction, tenant.id, request.is_protected).await?;
    let entry = entry.intent(&mut transaction, nothing()).await?;
    let outcome = if has_changed { AuditOutcome::Done } else { AuditOutcome::Unchanged };
    entry.end(&mut transaction, outcome, nothing()).await?;
    transaction.commit().await.map_err(doing())?;
    let tenant = find(plane, &request.tenant).await?;
    Ok(ProtectReport { tenant, is_protected: request.is_protected, has_changed })
}
