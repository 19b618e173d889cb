//! An act's two rows in the audit trail: the intent before it, the outcome after it, tied by one
//! operation id.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::adapters::control_plane::{self, AuditEntry, AuditOutcome, ControlPlaneError};
use crate::model::{Act, Actor, Reason, Tenant, TenantId};

/// Whether this process has written an intent: from then on something may have been changed.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Returns whether this process may have changed something.
pub(crate) fn has_begun() -> bool {
    HAS_BEGUN.load(Ordering::SeqCst)
}

/// What both rows of an act have in common.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    act: Act,
    actor: Actor,
    tenant_id: Option<TenantId>,
    target: Option<String>,
    reason: Option<Reason>,
    operation_id: Uuid,
}

/// An act whose intent is written and whose outcome is not.
#[derive(Debug)]
#[must_use = "an act whose intent is written ends in an outcome"]
pub(crate) struct OpenEntry(Entry);

impl Entry {
    /// Returns the entry of an act under an operation id of its own.
    pub(crate) fn new(act: Act, actor: &Actor) -> Self {
        let operation_id = Uuid::now_v7();
        Self {
            act,
            actor: actor.clone(),
            tenant_id: None,
            target: None,
            reason: None,
            operation_id,
        }
    }

    /// Returns the same about a tenant.
    #[must_use]
    pub(crate) fn about(self, tenant: &Tenant) -> Self {
        self.on(Some(tenant.id), tenant.slug.to_string())
    }

    /// Returns the same about something that a tenant has, or that belongs to none.
    #[must_use]
    pub(crate) fn on(self, tenant_id: Option<TenantId>, target: String) -> Self {
        Self { tenant_id, target: Some(target), ..self }
    }

    /// Returns the same with the operator's reason.
    #[must_use]
    pub(crate) fn because(self, reason: &Reason) -> Self {
        Self { reason: Some(reason.clone()), ..self }
    }

    /// Returns the same under the id of an operation in the journal.
    #[must_use]
    pub(crate) fn of_operation(self, operation_id: Uuid) -> Self {
        Self { operation_id, ..self }
    }

    /// Writes the intent; it belongs to the transaction of the session it is given.
    pub(crate) async fn intent(
        self,
        connection: &mut PgConnection,
        detail: serde_json::Value,
    ) -> Result<OpenEntry, ControlPlaneError> {
        self.append(connection, AuditOutcome::Intent, detail).await?;
        HAS_BEGUN.store(true, Ordering::SeqCst);
        Ok(OpenEntry(self))
    }

    /// Returns the act whose intent stands in the trail already.
    pub(crate) fn intended(self) -> OpenEntry {
        HAS_BEGUN.store(true, Ordering::SeqCst);
        OpenEntry(self)
    }

    async fn append(
        &self,
        connection: &mut PgConnection,
        outcome: AuditOutcome,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        let row = AuditEntry {
            actor: &self.actor,
            action: self.act.audit_action(),
            tenant_id: self.tenant_id,
            target: self.target.as_deref(),
            reason: self.reason.as_ref(),
            detail,
            outcome,
            operation_id: self.operation_id,
        };
        control_plane::append(connection, &row).await
    }
}

impl OpenEntry {
    /// Writes that it was done.
    pub(crate) async fn done(
        self,
        connection: &mut PgConnection,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        self.end(connection, AuditOutcome::Done, detail).await
    }

    /// Writes that it failed, or stopped before its end.
    pub(crate) async fn failed(
        self,
        connection: &mut PgConnection,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        self.end(connection, AuditOutcome::Failed, detail).await
    }

    /// Writes the outcome, whichever it is.
    pub(crate) async fn end(
        self,
        connection: &mut PgConnection,
        outcome: AuditOutcome,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        self.0.append(connection, outcome, detail).await
    }
}
