//! An operation opened, or taken over from a process that left it behind.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::hold::Held;
use crate::adapters::control_plane::{self, Lease, NewOperation};
use crate::adapters::postgres::PgError;
use crate::model::{Act, Actor, InternalError, Tenant, hex, sha256};
use crate::services::audit::{Entry, OpenEntry};
use crate::services::saga::{Halt, Journal};
use crate::services::tenant::error::TenantError;

/// What an operation is, for the journal and the audit trail.
pub(in crate::services::tenant) struct Opening<'a> {
    pub(in crate::services::tenant) act: Act,
    pub(in crate::services::tenant) request: serde_json::Value,
    pub(in crate::services::tenant) first_step: &'static str,
    pub(in crate::services::tenant) actor: &'a Actor,
}

impl Held {
    /// Opens an operation, or takes over the open one of the same kind; another kind's is given up.
    /// Journal and audit intent are one commit. Returns whether it is continued.
    pub(in crate::services::tenant) async fn open(
        mut self,
        opening: Opening<'_>,
    ) -> Result<(Journal, bool), TenantError> {
        let doing = || PgError::doing("open the operation");
        let mut transaction = self.connection.begin().await.map_err(doing())?;
        let (lease, entry, is_continued) = open_in(&mut transaction, &self.tenant, opening).await?;
        transaction.commit().await.map_err(doing())?;
        Ok((Journal::new(self.connection, lease, entry), is_continued))
    }
}

/// Does the same in a transaction that brings more.
pub(in crate::services::tenant) async fn open_in(
    transaction: &mut PgConnection,
    tenant: &Tenant,
    opening: Opening<'_>,
) -> Result<(Lease, OpenEntry, bool), TenantError> {
    let holder = holder();
    let open = control_plane::open_operation(transaction, tenant.id).await?;
    let (lease, is_continued) = match open {
        Some(operation) if operation.kind == opening.act => {
            (control_plane::take_over(transaction, operation.id, &holder).await?, true)
        }
        other => {
            if other.is_some() {
                control_plane::supersede(transaction, tenant.id).await?;
            }
            let new = NewOperation {
                tenant_id: tenant.id,
                kind: opening.act,
                fingerprint: hex(&sha256(opening.request.to_string().as_bytes())[..8]),
                request: opening.request.clone(),
                step: opening.first_step,
                actor: opening.actor,
                holder: &holder,
            };
            (control_plane::start(transaction, &new).await?, false)
        }
    };
    let entry =
        Entry::new(opening.act, opening.actor).about(tenant).of_operation(lease.operation_id);
    let detail = serde_json::json!({ "request": opening.request, "continued": is_continued });
    Ok((lease, entry.intent(transaction, detail).await?, is_continued))
}

/// Turns a saga's halt into the operator's error; writes the failure into the audit trail, and a
/// contradiction into the tenant's record.
pub(in crate::services::tenant) async fn stopped(
    halt: Halt<TenantError>,
    act: Act,
    tenant: &Tenant,
    journal: &mut Journal,
) -> TenantError {
    let slug = tenant.slug.to_string();
    if let Halt::Failed { error, .. } = &halt
        && error.is_contradiction()
    {
        let (connection, text) = (&mut journal.connection, error.to_string());
        // Whether or not it can be recorded, the error itself says what was found.
        drop(control_plane::quarantine(connection, tenant.id, &text).await);
    }
    let (step, error) = match halt {
        Halt::Failed { step, title, error } => {
            (step, TenantError::Stopped { act, slug, title, source: Box::new(error) })
        }
        Halt::Interrupted { next, title } => {
            (next, TenantError::Interrupted { act, slug, next: title })
        }
        Halt::PutOff { step } => (step, InternalError("go on: a step was put off here").into()),
    };
    journal.stopped(step).await;
    error
}

fn holder() -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{machine}:{}", std::process::id())
}
