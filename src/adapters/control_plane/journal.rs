//! `control_plane.operations`: what is being done to a tenant, step by step.
//!
//! Every write carries the lease: whoever lost it, because another process took the operation
//! over, changes nothing.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Act, Actor, TenantId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// The right to write about an operation, until somebody takes it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The operation.
    pub operation_id: Uuid,
    /// The number that a take-over raises.
    pub epoch: i64,
}

/// An operation to be started.
#[derive(Debug, Clone)]
pub struct NewOperation<'a> {
    /// The tenant it is about.
    pub tenant_id: TenantId,
    /// What it does.
    pub kind: Act,
    /// What was asked for, without secrets.
    pub request: serde_json::Value,
    /// The fingerprint of what was asked for.
    pub fingerprint: String,
    /// The first step.
    pub step: &'a str,
    /// Who asked.
    pub actor: &'a Actor,
    /// Which process works on it, as `machine:pid`.
    pub holder: &'a str,
}

/// An operation as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: Uuid,
    /// What it does, as a word.
    pub kind: String,
    /// The fingerprint of what was asked for.
    pub fingerprint: String,
    /// What was asked for.
    pub request: serde_json::Value,
    /// How it stands, as a word.
    pub state: String,
    /// The step whose intent was recorded last.
    pub step: String,
    /// Who asked.
    pub actor: String,
    /// Which process worked on it last.
    pub holder: String,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it last moved.
    pub updated_at: OffsetDateTime,
}

/// One attempt at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The step.
    pub step: String,
    /// Counted from 1.
    pub attempt: i32,
    /// How long it took, in milliseconds; nothing while it is not done.
    pub elapsed_ms: Option<i64>,
    /// What came back.
    pub outcome: Option<String>,
}

type OperationRow = (
    Uuid,
    String,
    String,
    Json<serde_json::Value>,
    String,
    String,
    String,
    String,
    Option<String>,
    OffsetDateTime,
    OffsetDateTime,
);

impl From<OperationRow> for Operation {
    fn from(row: OperationRow) -> Self {
        Self {
            id: row.0,
            kind: row.1,
            fingerprint: row.2,
            request: row.3.0,
            state: row.4,
            step: row.5,
            actor: row.6,
            holder: row.7,
            last_error: row.8,
            started_at: row.9,
            updated_at: row.10,
        }
    }
}

/// Opens an operation; the caller holds the tenant's control lock.
///
/// # Errors
/// When another operation on the tenant is open, or the server does not answer.
pub async fn start(connection: &mut PgConnection, new: &NewOperation<'_>) -> Result<Lease> {
    let operation_id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO control_plane.operations \
         (operation_id, tenant_id, kind, request, fingerprint, step, actor, holder) \
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
///
/// # Errors
/// When the server does not answer.
pub async fn open_operation(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Operation>> {
    let found: Option<OperationRow> = sqlx::query_as(
        "SELECT operation_id, kind, fingerprint, request, state, step, actor, holder, last_error, \
         started_at, updated_at FROM control_plane.operations \
         WHERE tenant_id = $1 AND finished_at IS NULL",
    )
    .bind(tenant_id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the journal"))?;
    Ok(found.map(Operation::from))
}

/// Returns the tenant's last operation, open or not.
///
/// # Errors
/// When the server does not answer.
pub async fn latest_operation(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Operation>> {
    let found: Option<OperationRow> = sqlx::query_as(
        "SELECT operation_id, kind, fingerprint, request, state, step, actor, holder, last_error, \
         started_at, updated_at FROM control_plane.operations \
         WHERE tenant_id = $1 ORDER BY started_at DESC, operation_id DESC LIMIT 1",
    )
    .bind(tenant_id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the journal"))?;
    Ok(found.map(Operation::from))
}

/// Returns whether what the tenant has was there before us: it was to be taken in.
///
/// # Errors
/// When the server does not answer.
pub async fn was_taken_in(connection: &mut PgConnection, tenant_id: TenantId) -> Result<bool> {
    let (was,): (bool,) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM control_plane.operations WHERE tenant_id = $1 AND kind = $2)",
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
/// When it is no longer open, or the server does not answer.
pub async fn take_over(
    connection: &mut PgConnection,
    operation_id: Uuid,
    holder: &str,
) -> Result<Lease> {
    let taken: Option<(i64,)> = sqlx::query_as(
        "UPDATE control_plane.operations SET lease_epoch = lease_epoch + 1, holder = $2, \
         updated_at = clock_timestamp() WHERE operation_id = $1 AND finished_at IS NULL \
         RETURNING lease_epoch",
    )
    .bind(operation_id)
    .bind(holder)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("take the operation over"))?;
    let (epoch,) = taken.ok_or(ControlPlaneError::Changed("the operation"))?;
    Ok(Lease { operation_id, epoch })
}

/// Makes sure that nobody has taken the operation over.
///
/// # Errors
/// When the lease is lost or the server does not answer.
pub async fn check_lease(connection: &mut PgConnection, lease: &Lease) -> Result<()> {
    let (is_ours,): (bool,) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM control_plane.operations \
         WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL)",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look who works on the operation"))?;
    if is_ours { Ok(()) } else { Err(ControlPlaneError::LeaseLost) }
}

/// Records the result of one step and the intent of the next in one commit; returns which attempt
/// at it this is, counted from 1.
///
/// # Errors
/// When the lease is lost or the server does not answer.
pub async fn advance(
    connection: &mut PgConnection,
    lease: &Lease,
    finished: Option<(&str, &str)>,
    next: &str,
) -> Result<i32> {
    let attempt: Option<(i32,)> = sqlx::query_as(
        "WITH op AS ( \
           UPDATE control_plane.operations SET step = $3, intent_at = clock_timestamp(), \
           updated_at = clock_timestamp(), last_error = NULL \
           WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL \
           RETURNING operation_id \
         ), finished AS ( \
           UPDATE control_plane.operation_steps s SET done_at = clock_timestamp(), outcome = $5 \
           FROM op WHERE s.operation_id = op.operation_id AND s.step = $4 AND s.done_at IS NULL \
         ) \
         INSERT INTO control_plane.operation_steps (operation_id, step, attempt) \
         SELECT op.operation_id, $3, 1 + (SELECT count(*) FROM control_plane.operation_steps p \
           WHERE p.operation_id = op.operation_id AND p.step = $3)::int FROM op RETURNING attempt",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(next)
    .bind(finished.map(|(step, _)| step))
    .bind(finished.map(|(_, outcome)| outcome))
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("record the step in the journal"))?;
    attempt.map(|(attempt,)| attempt).ok_or(ControlPlaneError::LeaseLost)
}

/// The line of the journal that a request to make a project has.
const POST: &str = "post";

/// Records, before it is sent, that a project is asked for: a request that is never answered leaves
/// this line without an outcome.
///
/// # Errors
/// When the lease is lost or the server does not answer.
pub async fn intend_post(connection: &mut PgConnection, lease: &Lease) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO control_plane.operation_steps (operation_id, step, attempt) \
         SELECT operation_id, $3, 1 + (SELECT count(*) FROM control_plane.operation_steps p \
           WHERE p.operation_id = $1 AND p.step = $3)::int FROM control_plane.operations \
         WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(POST)
    .execute(connection)
    .await
    .map_err(PgError::doing("record that a project is asked for"))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(ControlPlaneError::LeaseLost) }
}

/// Records what came of every request for a tenant's project that has no outcome yet.
///
/// # Errors
/// When the server does not answer.
pub async fn settle_posts(
    connection: &mut PgConnection,
    tenant_id: TenantId,
    outcome: &str,
) -> Result<()> {
    sqlx::query(
        "UPDATE control_plane.operation_steps s SET done_at = clock_timestamp(), outcome = $3 \
         FROM control_plane.operations o WHERE o.operation_id = s.operation_id \
         AND o.tenant_id = $1 AND s.step = $2 AND s.done_at IS NULL",
    )
    .bind(tenant_id.0)
    .bind(POST)
    .bind(crate::model::shorten(outcome, 500))
    .execute(connection)
    .await
    .map_err(PgError::doing("record what came of asking for a project"))?;
    Ok(())
}

/// Returns how long ago the last request for a tenant's project was made that has no outcome, by the
/// database's clock.
///
/// # Errors
/// When the server does not answer.
pub async fn doubtful_post(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Duration>> {
    let (age,): (Option<f64>,) = sqlx::query_as(
        "SELECT extract(epoch FROM clock_timestamp() - max(s.intent_at))::float8 \
         FROM control_plane.operation_steps s JOIN control_plane.operations o USING (operation_id) \
         WHERE o.tenant_id = $1 AND s.step = $2 AND s.done_at IS NULL",
    )
    .bind(tenant_id.0)
    .bind(POST)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for a request that was never answered"))?;
    Ok(age.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}

/// Closes an operation together with its last step.
///
/// # Errors
/// When the lease is lost or the server does not answer.
pub async fn finish(
    connection: &mut PgConnection,
    lease: &Lease,
    finished: Option<(&str, &str)>,
) -> Result<()> {
    let done = sqlx::query(
        "WITH step AS ( \
           UPDATE control_plane.operation_steps SET done_at = clock_timestamp(), outcome = $4 \
           WHERE operation_id = $1 AND step = $3 AND done_at IS NULL \
         ) \
         UPDATE control_plane.operations SET state = 'done', last_error = NULL, \
         finished_at = clock_timestamp(), updated_at = clock_timestamp() \
         WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(finished.map(|(step, _)| step))
    .bind(finished.map(|(_, outcome)| outcome))
    .execute(connection)
    .await
    .map_err(PgError::doing("close the operation in the journal"))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(ControlPlaneError::LeaseLost) }
}

/// Notes what stopped an operation that stays open, for whoever looks or continues.
///
/// # Errors
/// When the server does not answer.
pub async fn note_failure(connection: &mut PgConnection, lease: &Lease, error: &str) -> Result<()> {
    sqlx::query(
        "UPDATE control_plane.operations SET last_error = $3, updated_at = clock_timestamp() \
         WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(crate::model::shorten(error, 2000))
    .execute(connection)
    .await
    .map_err(PgError::doing("note the failure in the journal"))?;
    Ok(())
}

/// Gives an open operation up in favour of another.
///
/// # Errors
/// When the server does not answer.
pub async fn supersede(connection: &mut PgConnection, tenant_id: TenantId) -> Result<()> {
    sqlx::query(
        "UPDATE control_plane.operations SET state = 'superseded', \
         lease_epoch = lease_epoch + 1, finished_at = clock_timestamp(), \
         updated_at = clock_timestamp() WHERE tenant_id = $1 AND finished_at IS NULL",
    )
    .bind(tenant_id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("give the open operation up"))?;
    Ok(())
}

/// Returns every attempt at every step of an operation, in order.
///
/// # Errors
/// When the server does not answer.
pub async fn steps(connection: &mut PgConnection, operation_id: Uuid) -> Result<Vec<StepRecord>> {
    let rows: Vec<(String, i32, Option<i64>, Option<String>)> = sqlx::query_as(
        "SELECT step, attempt, (extract(epoch FROM done_at - intent_at) * 1000)::bigint, outcome \
         FROM control_plane.operation_steps WHERE operation_id = $1 ORDER BY intent_at, step",
    )
    .bind(operation_id)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read the journal's steps"))?;
    Ok(rows
        .into_iter()
        .map(|(step, attempt, elapsed_ms, outcome)| StepRecord {
            step,
            attempt,
            elapsed_ms,
            outcome,
        })
        .collect())
}
