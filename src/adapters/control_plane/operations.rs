//! `control_plane.operations`: what is being done to a tenant, and by which process.
//!
//! Every write carries the lease: a process that lost it, because another took the operation over,
//! changes nothing.

use std::str::FromStr;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, Postgres};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader};
use crate::model::{Act, Actor, TenantId, shorten};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// The right to write about an operation, until another process takes it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub operation_id: Uuid,
    /// The number that a take-over raises.
    pub epoch: i64,
}

/// An operation to be started.
#[derive(Debug, Clone)]
pub(crate) struct NewOperation<'a> {
    pub tenant_id: TenantId,
    pub kind: Act,
    /// What was asked for, without secrets.
    pub request: serde_json::Value,
    /// The fingerprint of what was asked for.
    pub fingerprint: String,
    /// The first step.
    pub step: &'a str,
    pub actor: &'a Actor,
    /// Which process works on it, as `machine:pid`.
    pub holder: &'a str,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationState {
    /// A process works on it, or left it behind.
    Running,
    Done,
    Failed,
    /// Given up in favour of another.
    Superseded,
}

impl OperationState {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Superseded];

    /// Returns the word in the journal and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

impl FromStr for OperationState {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// The acts that are journalled.
const KINDS: [Act; 6] =
    [Act::Create, Act::Adopt, Act::Delete, Act::Restore, Act::Purge, Act::Rotate];

/// An operation as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub id: Uuid,
    pub kind: Act,
    /// The fingerprint of what was asked for.
    pub fingerprint: String,
    /// What was asked for.
    pub request: serde_json::Value,
    pub state: OperationState,
    /// The step whose intent was recorded last.
    pub step: String,
    pub actor: String,
    /// Which process worked on it last.
    pub holder: String,
    pub last_error: Option<String>,
    pub started_at: OffsetDateTime,
    /// When it last moved.
    pub updated_at: OffsetDateTime,
}

impl<'r> FromRow<'r, PgRow> for Operation {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "operations", key: "operation_id", row };
        let kind: String = reader.get("kind")?;
        let kind = KINDS.into_iter().find(|act| act.word() == kind);
        let Json(request) = reader.get("request")?;
        Ok(Self {
            id: reader.get("operation_id")?,
            kind: kind.ok_or_else(|| reader.unfit("kind"))?,
            fingerprint: reader.get("fingerprint")?,
            request,
            state: reader.parse("state")?,
            step: reader.get("step")?,
            actor: reader.get("actor")?,
            holder: reader.get("holder")?,
            last_error: reader.get("last_error")?,
            started_at: reader.get("started_at")?,
            updated_at: reader.get("updated_at")?,
        })
    }
}

/// Opens an operation; the caller holds the tenant's control lock.
///
/// # Errors
/// When another operation on the tenant is open.
pub(crate) async fn start(connection: &mut PgConnection, new: &NewOperation<'_>) -> Result<Lease> {
    let operation_id = Uuid::now_v7();
    sqlx::query(
        r"INSERT INTO control_plane.operations
            (operation_id, tenant_id, kind, request, fingerprint, step, actor, holder)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(operation_id)
    .bind(new.tenant_id.0)
    .bind(new.kind.word())
    .bind(Json(&new.request))
    .bind(&new.fingerprint)
    .bind(new.step)
    .bind(new.actor.as_str())
    .bind(new.holder)
    .execute(connection)
    .await
    .map_err(PgError::doing("open the operation in the journal"))?;
    Ok(Lease { operation_id, epoch: 1 })
}

/// Returns the tenant's open operation, if there is one.
pub(crate) async fn open_operation(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Operation>> {
    find(connection, tenant_id, "finished_at IS NULL").await
}

/// Returns the tenant's last operation, open or not.
pub(crate) async fn latest_operation(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Operation>> {
    find(connection, tenant_id, "true ORDER BY started_at DESC, operation_id DESC LIMIT 1").await
}

async fn find(
    connection: &mut PgConnection,
    tenant_id: TenantId,
    which: &'static str,
) -> Result<Option<Operation>> {
    let text = format!(
        r"SELECT operation_id, kind, fingerprint, request, state, step, actor, holder, last_error,
            started_at, updated_at
        FROM control_plane.operations WHERE tenant_id = $1 AND {which}"
    );
    let found = sqlx::query_as(AssertSqlSafe(text))
        .bind(tenant_id.0)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("read the journal"))?;
    Ok(found)
}

/// Returns whether the tenant was adopted: what it has existed before us.
pub(crate) async fn was_taken_in(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<bool> {
    let was = sqlx::query_scalar(
        r"SELECT EXISTS (
            SELECT FROM control_plane.operations WHERE tenant_id = $1 AND kind = $2)",
    )
    .bind(tenant_id.0)
    .bind(Act::Adopt.word())
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("read the journal"))?;
    Ok(was)
}

/// Takes an open operation over from a process that is gone.
///
/// # Errors
/// When it is no longer open.
pub(crate) async fn take_over(
    connection: &mut PgConnection,
    operation_id: Uuid,
    holder: &str,
) -> Result<Lease> {
    let epoch: Option<i64> = sqlx::query_scalar(
        r"UPDATE control_plane.operations SET lease_epoch = lease_epoch + 1, holder = $2,
            updated_at = clock_timestamp()
        WHERE operation_id = $1 AND finished_at IS NULL RETURNING lease_epoch",
    )
    .bind(operation_id)
    .bind(holder)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("take the operation over"))?;
    let epoch = epoch.ok_or(ControlPlaneError::Changed("the operation"))?;
    Ok(Lease { operation_id, epoch })
}

/// Makes sure that no other process has taken the operation over.
///
/// # Errors
/// When the lease is lost.
pub(crate) async fn check_lease(connection: &mut PgConnection, lease: &Lease) -> Result<()> {
    let is_ours: bool = sqlx::query_scalar(
        r"SELECT EXISTS (
            SELECT FROM control_plane.operations
            WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL)",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look which process works on the operation"))?;
    if is_ours { Ok(()) } else { Err(ControlPlaneError::LeaseLost) }
}

/// Closes an operation together with its last step.
///
/// # Errors
/// When the lease is lost.
pub(crate) async fn finish(
    connection: &mut PgConnection,
    lease: &Lease,
    finished: Option<(&str, &str)>,
) -> Result<()> {
    let (step, outcome) = finished.unzip();
    let close = sqlx::query(
        r"WITH step AS (
            UPDATE control_plane.operation_steps SET done_at = clock_timestamp(), outcome = $4
            WHERE operation_id = $1 AND step = $3 AND done_at IS NULL)
        UPDATE control_plane.operations SET state = 'done', last_error = NULL,
            finished_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(step)
    .bind(outcome);
    write_leased(connection, close, "close the operation in the journal").await
}

/// Notes what stopped an operation that stays open, for the process that continues it.
pub(crate) async fn note_failure(
    connection: &mut PgConnection,
    lease: &Lease,
    error: &str,
) -> Result<()> {
    sqlx::query(
        r"UPDATE control_plane.operations SET last_error = $3, updated_at = clock_timestamp()
        WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(shorten(error, 2000))
    .execute(connection)
    .await
    .map_err(PgError::doing("note the failure in the journal"))?;
    Ok(())
}

/// Gives an open operation up in favour of another.
pub(crate) async fn supersede(connection: &mut PgConnection, tenant_id: TenantId) -> Result<()> {
    sqlx::query(
        r"UPDATE control_plane.operations SET state = 'superseded', lease_epoch = lease_epoch + 1,
            finished_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE tenant_id = $1 AND finished_at IS NULL",
    )
    .bind(tenant_id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("give the open operation up"))?;
    Ok(())
}

/// Runs a statement that writes one row when the lease still holds.
pub(super) async fn write_leased(
    connection: &mut PgConnection,
    statement: Query<'_, Postgres, PgArguments>,
    doing: &'static str,
) -> Result<()> {
    let done = statement.execute(connection).await.map_err(PgError::doing(doing))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(ControlPlaneError::LeaseLost) }
}
