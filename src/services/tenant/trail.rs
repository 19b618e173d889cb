//! The audit rows of one operation: intent before, outcome after, tied by its id.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::adapters::control_plane::{self, AuditEntry, AuditOutcome, ControlPlaneError};
use crate::model::{Actor, Slug, TenantId};

/// What every row of one operation has in common.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    pub(super) actor: Actor,
    pub(super) action: &'static str,
    pub(super) tenant_id: TenantId,
    pub(super) slug: Slug,
    pub(super) operation_id: Uuid,
}

impl Trail {
    /// Appends a row; it belongs to the transaction of the session it is given.
    pub(super) async fn append(
        &self,
        connection: &mut PgConnection,
        outcome: AuditOutcome,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        let entry = AuditEntry {
            actor: &self.actor,
            action: self.action,
            tenant_id: Some(self.tenant_id),
            target: Some(self.slug.as_str()),
            reason: None,
            detail,
            outcome,
            operation_id: self.operation_id,
        };
        control_plane::append(connection, &entry).await
    }
}
