//! `tenant protect` and `tenant unprotect`: whether deleting is refused.

use sqlx::Connection;
use uuid::Uuid;

use super::TenantError;
use super::operation::hold as control;
use super::trail::Trail;
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane};
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Slug, Tenant};

/// What switching the protection did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// Whether anything changed.
    pub has_changed: bool,
}

/// Switches a tenant's protection on or off.
///
/// # Errors
/// When there is no such tenant, or the control plane does not answer.
pub async fn protect(
    plane: &ControlPlane,
    slug: &Slug,
    is_protected: bool,
    actor: &Actor,
) -> Result<ProtectReport, TenantError> {
    let mut tenant = control::find(plane, slug).await?;
    let trail = Trail {
        actor: actor.clone(),
        action: if is_protected { "tenant.protect" } else { "tenant.unprotect" },
        tenant_id: tenant.id,
        slug: slug.clone(),
        operation_id: Uuid::now_v7(),
    };
    let mut session = plane.session().await?;
    let doing = || PgError::doing("change the tenant's protection");
    let mut transaction = session.begin().await.map_err(doing())?;
    let nothing = || serde_json::json!({});
    trail.append(&mut transaction, AuditOutcome::Intent, nothing()).await?;
    let has_changed =
        control_plane::set_protected(&mut transaction, tenant.id, is_protected).await?;
    let outcome = if has_changed { AuditOutcome::Done } else { AuditOutcome::Unchanged };
    trail.append(&mut transaction, outcome, nothing()).await?;
    transaction.commit().await.map_err(doing())?;
    tenant.is_protected = is_protected;
    Ok(ProtectReport { tenant, has_changed })
}
