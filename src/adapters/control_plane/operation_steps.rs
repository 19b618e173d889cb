//! `control_plane.operation_steps`: what each step of an operation did, a line for each attempt.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::ControlPlaneError;
use super::operations::{Lease, write_leased};
use crate::adapters::postgres::{PgError, row};
use crate::model::{TenantId, shorten};

type Result<T> = std::result::Result<T, ControlPlaneError>;

row! {
    /// One attempt at one step.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct StepRecord {
        pub step: String,
        /// Counted from 1.
        pub attempt: i32,
        /// How long it took, in milliseconds; none while it is not done.
        pub elapsed_ms: Option<i64>,
        pub outcome: Option<String>,
    }
}

/// The step that stands for a request to create a project.
const POST: &str = "post";

/// Records the result of one step and the intent of the next in one commit; returns which attempt
/// at it this is, counted from 1.
///
/// # Errors
/// When the lease is lost.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    lease: &Lease,
    finished: Option<(&str, &str)>,
    next: &str,
) -> Result<i32> {
    let (step, outcome) = finished.unzip();
    let attempt: Option<i32> = sqlx::query_scalar(
        r"WITH op AS (
            UPDATE control_plane.operations SET step = $3, intent_at = clock_timestamp(),
                updated_at = clock_timestamp(), last_error = NULL
            WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL
            RETURNING operation_id
        ), finished AS (
            UPDATE control_plane.operation_steps s SET done_at = clock_timestamp(), outcome = $5
            FROM op WHERE s.operation_id = op.operation_id AND s.step = $4 AND s.done_at IS NULL
        )
        INSERT INTO control_plane.operation_steps (operation_id, step, attempt)
        SELECT op.operation_id, $3, 1 + (
            SELECT count(*) FROM control_plane.operation_steps p
            WHERE p.operation_id = op.operation_id AND p.step = $3)::int
        FROM op RETURNING attempt",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(next)
    .bind(step)
    .bind(outcome)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("record the step in the journal"))?;
    attempt.ok_or(ControlPlaneError::LeaseLost)
}

/// Records, before it is sent, a request to create a project: one that is never answered leaves
/// this line without an outcome.
///
/// # Errors
/// When the lease is lost.
pub(crate) async fn intend_post(
    connection: &mut PgConnection,
    lease: &Lease,
    organization: &str,
) -> Result<()> {
    let intent = sqlx::query(
        r"WITH held AS (
            SELECT operation_id, tenant_id FROM control_plane.operations
            WHERE operation_id = $1 AND lease_epoch = $2 AND finished_at IS NULL
        ), intended AS (
            INSERT INTO control_plane.operation_steps (operation_id, step, attempt)
            SELECT operation_id, $3, 1 + (
                SELECT count(*) FROM control_plane.operation_steps p
                WHERE p.operation_id = $1 AND p.step = $3)::int
            FROM held)
        UPDATE control_plane.tenant_metadata t SET organization = $4
        FROM held WHERE t.tenant_id = held.tenant_id",
    )
    .bind(lease.operation_id)
    .bind(lease.epoch)
    .bind(POST)
    .bind(organization);
    write_leased(connection, intent, "record the request for a project").await
}

/// Records the outcome of every request for a tenant's project that has none yet. Where none was
/// made, the next may be asked for elsewhere.
pub(crate) async fn settle_posts(
    connection: &mut PgConnection,
    tenant_id: TenantId,
    outcome: &str,
) -> Result<()> {
    sqlx::query(
        r"WITH freed AS (
            UPDATE control_plane.tenant_metadata SET organization = NULL
            WHERE tenant_id = $1 AND project_ref IS NULL)
        UPDATE control_plane.operation_steps s SET done_at = clock_timestamp(), outcome = $3
        FROM control_plane.operations o
        WHERE o.operation_id = s.operation_id AND o.tenant_id = $1 AND s.step = $2
            AND s.done_at IS NULL",
    )
    .bind(tenant_id.0)
    .bind(POST)
    .bind(shorten(outcome, 500))
    .execute(connection)
    .await
    .map_err(PgError::doing("record the outcome of the request for a project"))?;
    Ok(())
}

/// Returns how long ago the last request for a tenant's project was made that has no outcome, by the
/// database's clock.
pub(crate) async fn doubtful_post(
    connection: &mut PgConnection,
    tenant_id: TenantId,
) -> Result<Option<Duration>> {
    let age: Option<f64> = sqlx::query_scalar(
        r"SELECT extract(epoch FROM clock_timestamp() - max(s.intent_at))::float8
        FROM control_plane.operation_steps s JOIN control_plane.operations o USING (operation_id)
        WHERE o.tenant_id = $1 AND s.step = $2 AND s.done_at IS NULL",
    )
    .bind(tenant_id.0)
    .bind(POST)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for a request that was never answered"))?;
    Ok(age.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}

/// Returns every attempt at every step of an operation, in order.
pub(crate) async fn steps(
    connection: &mut PgConnection,
    operation_id: Uuid,
) -> Result<Vec<StepRecord>> {
    let steps = sqlx::query_as(
        r"SELECT step, attempt, outcome,
            (extract(epoch FROM done_at - intent_at) * 1000)::bigint AS elapsed_ms
        FROM control_plane.operation_steps WHERE operation_id = $1 ORDER BY intent_at, step",
    )
    .bind(operation_id)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read the journal's steps"))?;
    Ok(steps)
}
