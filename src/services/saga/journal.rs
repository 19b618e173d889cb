//! The operation under way: the session that holds its lock, the lease it writes under, and its
//! open entry in the audit trail.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Postgres, Transaction};

use crate::adapters::control_plane::{self, ControlPlaneError, Lease};
use crate::adapters::postgres::PgError;
use crate::services::audit::OpenEntry;

/// The session that holds the operation's lock, and the right to write about the operation.
///
/// Every record is written on the very session that holds the lock: when that session is lost, so
/// are the lock and the means to write.
#[derive(Debug)]
pub(crate) struct Journal {
    pub connection: PgConnection,
    pub lease: Lease,
    /// The audit entry; nothing once its outcome is written.
    entry: Option<OpenEntry>,
}

/// The transaction that ends an operation together with the last step's effect.
#[derive(Debug)]
pub(crate) struct Ending<'j> {
    transaction: Transaction<'j, Postgres>,
    lease: Lease,
    entry: &'j mut Option<OpenEntry>,
}

impl Journal {
    /// Returns the journal of an operation that was just opened.
    pub(crate) fn new(connection: PgConnection, lease: Lease, entry: OpenEntry) -> Self {
        Self { connection, lease, entry: Some(entry) }
    }

    /// Makes sure that no other process has taken the operation over.
    ///
    /// Asked on a session that holds the tenant's lock on its server, it holds even for a process
    /// that was suspended at the worst moment: who takes the operation over needs that lock, and
    /// when the session that holds it is gone, so is the means to act.
    pub(crate) async fn check_lease(&mut self) -> Result<(), ControlPlaneError> {
        control_plane::check_lease(&mut self.connection, &self.lease).await
    }

    /// Begins the transaction that ends the operation.
    pub(crate) async fn ending(
        &mut self,
        doing: &'static str,
    ) -> Result<Ending<'_>, ControlPlaneError> {
        let transaction = self.connection.begin().await.map_err(PgError::doing(doing))?;
        Ok(Ending { transaction, lease: self.lease, entry: &mut self.entry })
    }

    /// Writes into the audit trail that the operation is left open on purpose, for a later run.
    pub(crate) async fn put_off(&mut self, step: &str) -> Result<(), ControlPlaneError> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let detail = serde_json::json!({ "step": step, "put_off": true });
        entry.done(&mut self.connection, detail).await
    }

    /// Writes into the audit trail that the operation stopped at a step and stays open.
    pub(crate) async fn stopped(&mut self, step: &str) {
        let Some(entry) = self.entry.take() else { return };
        let detail = serde_json::json!({ "step": step, "stopped": true });
        // The error that stopped the step is what the operator needs; when the control plane is
        // gone this row cannot be written, and the open operation says the same.
        drop(entry.failed(&mut self.connection, detail).await);
    }
}

impl Ending<'_> {
    /// Returns the session, for the effect that ends the operation.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Closes the operation, writes the audit trail's outcome and commits.
    pub(crate) async fn commit(
        mut self,
        step: &str,
        outcome: &str,
        detail: serde_json::Value,
    ) -> Result<(), ControlPlaneError> {
        control_plane::finish(&mut self.transaction, &self.lease, Some((step, outcome))).await?;
        if let Some(entry) = self.entry.take() {
            entry.done(&mut self.transaction, detail).await?;
        }
        let committed = self.transaction.commit().await;
        committed.map_err(|error| PgError::doing("end the operation")(error).into())
    }
}
