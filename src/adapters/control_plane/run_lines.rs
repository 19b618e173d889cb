//! `control_plane.migration_run_tenants`: the queue of a run, a line for each tenant.
//!
//! Lines are taken and told of in groups, each with one statement. Who writes shows the number of the
//! lease: where another process has the line by now, nothing is written.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use super::tenant_row::TENANT_COLUMNS;
use crate::adapters::postgres::{PgError, Reader};
use crate::model::{LineState, RunId, SchemaState, SchemaVersion, Slug, Tenant, TenantId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A line to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewLine {
    pub(crate) tenant_id: TenantId,
    pub(crate) is_canary: bool,
    pub(crate) from: Option<SchemaVersion>,
}

/// A line that this process has, and its tenant as it is recorded at this moment.
#[derive(Debug, Clone)]
pub(crate) struct LeasedLine {
    pub(crate) lease: i64,
    /// Turns that came to an end before.
    pub(crate) attempts: i32,
    /// What was recorded when the run was planned.
    pub(crate) from: Option<SchemaVersion>,
    pub(crate) tenant: Tenant,
}

impl<'r> FromRow<'r, PgRow> for LeasedLine {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "migration_run_tenants", key: "tenant_id", row };
        Ok(Self {
            lease: reader.get("lease")?,
            attempts: reader.get("attempts")?,
            from: reader.get::<Option<i64>>("from_version")?.map(SchemaVersion),
            tenant: Tenant::from_row(row)?,
        })
    }
}

/// One migration of a turn.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Step {
    /// As in `V8__notes`.
    pub(crate) what: String,
    /// How long it took, where that was measured.
    pub(crate) elapsed_ms: Option<u64>,
}

/// What is told of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) tenant_id: TenantId,
    pub(crate) lease: i64,
    /// `Pending` for one that goes back to the queue.
    pub(crate) state: LineState,
    /// How long it waits there.
    pub(crate) delay_ms: u64,
    /// The version it is at, as far as that is known.
    pub(crate) version: Option<SchemaVersion>,
    /// What its database says of itself, where it was asked: recorded.
    pub(crate) schema: Option<SchemaState>,
    /// Why it failed, was skipped, or goes back.
    pub(crate) cause: Option<serde_json::Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) elapsed_ms: u64,
    pub(crate) lock_wait_ms: Option<u64>,
}

/// A line as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) tenant_id: TenantId,
    pub(crate) slug: Slug,
    pub(crate) is_canary: bool,
    pub(crate) state: LineState,
    pub(crate) attempts: i32,
    pub(crate) from: Option<SchemaVersion>,
    pub(crate) to: Option<SchemaVersion>,
    pub(crate) cause: Option<serde_json::Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) elapsed_ms: Option<i64>,
    pub(crate) lock_wait_ms: Option<i64>,
    pub(crate) started_at: Option<OffsetDateTime>,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

impl<'r> FromRow<'r, PgRow> for Line {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "migration_run_tenants", key: "tenant_id", row };
        let version =
            |column| Ok::<_, sqlx::Error>(reader.get::<Option<i64>>(column)?.map(SchemaVersion));
        let cause: Option<Json<_>> = reader.get("cause")?;
        Ok(Self {
            tenant_id: TenantId(reader.get("tenant_id")?),
            slug: reader.parse("slug")?,
            is_canary: reader.get("is_canary")?,
            state: reader.parse("state")?,
            attempts: reader.get("attempts")?,
            from: version("from_version")?,
            to: version("to_version")?,
            cause: cause.map(|cause| cause.0),
            steps: reader.get::<Json<_>>("steps")?.0,
            elapsed_ms: reader.get("elapsed_ms")?,
            lock_wait_ms: reader.get("lock_wait_ms")?,
            started_at: reader.get("started_at")?,
            finished_at: reader.get("finished_at")?,
        })
    }
}

/// Adds the lines of a run, in their order.
pub(crate) async fn add_lines(
    connection: &mut PgConnection,
    RunId(run): RunId,
    lines: &[NewLine],
) -> Result<()> {
    let column = |line: &NewLine| i16::from(!line.is_canary);
    sqlx::query(
        r"INSERT INTO control_plane.migration_run_tenants (run_id, tenant_id, position, wave, from_version)
        SELECT $1, l.tenant_id, l.position, l.wave, l.from_version
        FROM unnest($2::uuid[], $3::smallint[], $4::bigint[])
            WITH ORDINALITY AS l(tenant_id, wave, from_version, position)",
    )
    .bind(run)
    .bind(lines.iter().map(|line| line.tenant_id.0).collect::<Vec<_>>())
    .bind(lines.iter().map(column).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.from.map(|version| version.0)).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(PgError::doing("record the tenants of the run"))?;
    Ok(())
}

/// Takes up to so many lines whose turn it is: canaries alone until the others may.
pub(crate) async fn lease_lines(
    connection: &mut PgConnection,
    RunId(run): RunId,
    worker: Uuid,
    limit: usize,
) -> Result<Vec<LeasedLine>> {
    let text = format!(
        r"WITH next AS (
            SELECT l.tenant_id FROM control_plane.migration_run_tenants l
            WHERE l.run_id = $1 AND l.state = 'pending'
                AND (l.not_before IS NULL OR l.not_before <= clock_timestamp())
                AND l.wave <= (SELECT CASE r.state WHEN 'canary' THEN 0 WHEN 'rolling' THEN 1 ELSE -1 END
                    FROM control_plane.migration_runs r WHERE r.run_id = $1)
                AND EXISTS (SELECT FROM control_plane.migration_run_workers w
                    WHERE w.worker_id = $2 AND w.left_at IS NULL)
            ORDER BY l.wave, l.position LIMIT $3 FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE control_plane.migration_run_tenants l
            SET state = 'leased', lease = l.lease + 1, worker_id = $2, not_before = NULL,
                started_at = coalesce(l.started_at, clock_timestamp())
            FROM next WHERE l.run_id = $1 AND l.tenant_id = next.tenant_id
            RETURNING l.tenant_id, l.lease, l.attempts, l.from_version, l.wave, l.position
        )
        SELECT lease, attempts, from_version, {TENANT_COLUMNS}
        FROM leased JOIN control_plane.tenant_metadata USING (tenant_id) ORDER BY wave, position"
    );
    let lines = sqlx::query_as(AssertSqlSafe(text))
        .bind(run)
        .bind(worker)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("take tenants of the run"))?;
    Ok(lines)
}

/// Tells how turns ended, and what the databases said of themselves; returns whose was written. Of the
/// others another process has the line by now.
pub(crate) async fn tell_lines(
    connection: &mut PgConnection,
    RunId(run): RunId,
    worker: Uuid,
    told: &[Told],
) -> Result<Vec<TenantId>> {
    let rows: Vec<_> = told
        .iter()
        .map(|it| {
            serde_json::json!({
                "tenant_id": it.tenant_id.0,
                "lease": it.lease,
                "state": it.state.word(),
                "delay_ms": it.delay_ms,
                "version": it.version.map(|version| version.0),
                "fingerprint": it.schema.as_ref().map(|schema| &schema.fingerprint),
                "cause": it.cause,
                "steps": it.steps,
                "elapsed_ms": it.elapsed_ms,
                "lock_wait_ms": it.lock_wait_ms,
            })
        })
        .collect();
    let written: Vec<Uuid> = sqlx::query_scalar(
        r"WITH told AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset($3) AS t(tenant_id uuid, lease bigint, state text,
                delay_ms bigint, version bigint, fingerprint text, cause jsonb, steps jsonb,
                elapsed_ms bigint, lock_wait_ms bigint)
        ), written AS (
            UPDATE control_plane.migration_run_tenants l SET state = t.state,
                worker_id = CASE WHEN t.state = 'pending' THEN NULL ELSE l.worker_id END,
                attempts = l.attempts + 1,
                not_before = CASE WHEN t.state = 'pending'
                    THEN clock_timestamp() + t.delay_ms * interval '1 millisecond' END,
                to_version = coalesce(t.version, l.to_version), cause = t.cause,
                -- An earlier turn may have come half-way.
                steps = l.steps || t.steps,
                elapsed_ms = coalesce(l.elapsed_ms, 0) + t.elapsed_ms,
                lock_wait_ms = CASE WHEN coalesce(l.lock_wait_ms, t.lock_wait_ms) IS NOT NULL
                    THEN coalesce(l.lock_wait_ms, 0) + coalesce(t.lock_wait_ms, 0) END,
                finished_at = CASE WHEN t.state <> 'pending' THEN clock_timestamp() END
            FROM told t WHERE l.run_id = $1 AND l.worker_id = $2 AND l.state = 'leased'
                AND l.tenant_id = t.tenant_id AND l.lease = t.lease
            RETURNING l.tenant_id
        ), recorded AS (
            UPDATE control_plane.tenant_metadata m
            SET schema_version = t.version, schema_fingerprint = t.fingerprint
            FROM told t JOIN written USING (tenant_id)
            WHERE m.tenant_id = t.tenant_id AND t.fingerprint IS NOT NULL
                AND (m.schema_version, m.schema_fingerprint)
                    IS DISTINCT FROM (t.version, t.fingerprint)
        )
        SELECT tenant_id FROM written",
    )
    .bind(run)
    .bind(worker)
    .bind(Json(rows))
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("record how turns ended"))?;
    Ok(written.into_iter().map(TenantId).collect())
}

/// Gives lines back that were not begun.
pub(crate) async fn give_back_lines(
    connection: &mut PgConnection,
    RunId(run): RunId,
    worker: Uuid,
    tenants: &[TenantId],
) -> Result<()> {
    sqlx::query(
        r"UPDATE control_plane.migration_run_tenants SET state = 'pending', worker_id = NULL
        WHERE run_id = $1 AND worker_id = $2 AND state = 'leased' AND tenant_id = ANY ($3)",
    )
    .bind(run)
    .bind(worker)
    .bind(tenants.iter().map(|id| id.0).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(PgError::doing("give tenants of the run back"))?;
    Ok(())
}

/// Gives failed lines another turn; returns how many.
pub(crate) async fn retry_failed(connection: &mut PgConnection, RunId(run): RunId) -> Result<u64> {
    let done = sqlx::query(
        r"UPDATE control_plane.migration_run_tenants SET state = 'pending', attempts = 0, cause = NULL,
            finished_at = NULL, worker_id = NULL
        WHERE run_id = $1 AND state = 'failed'",
    )
    .bind(run)
    .execute(connection)
    .await
    .map_err(PgError::doing("take failed tenants up again"))?;
    Ok(done.rows_affected())
}

/// Returns the lines after a slug, by slug; up to so many.
pub(crate) async fn list_lines(
    connection: &mut PgConnection,
    RunId(run): RunId,
    after: Option<&Slug>,
    limit: i64,
) -> Result<Vec<Line>> {
    let lines = sqlx::query_as(
        r"SELECT l.tenant_id, t.slug, l.wave = 0 AS is_canary, l.state, l.attempts, l.from_version,
            l.to_version, l.cause, l.steps, l.elapsed_ms, l.lock_wait_ms, l.started_at, l.finished_at
        FROM control_plane.migration_run_tenants l JOIN control_plane.tenant_metadata t USING (tenant_id)
        WHERE l.run_id = $1 AND ($2::text IS NULL OR t.slug > $2) ORDER BY t.slug LIMIT $3",
    )
    .bind(run)
    .bind(after.map(Slug::as_str))
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read the tenants of the run"))?;
    Ok(lines)
}

/// Returns some of the tenants whose turn is still to come.
pub(crate) async fn some_open_tenants(
    connection: &mut PgConnection,
    RunId(run): RunId,
    limit: i64,
) -> Result<Vec<Tenant>> {
    let text = format!(
        r"SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata WHERE tenant_id IN (
            SELECT tenant_id FROM control_plane.migration_run_tenants
            WHERE run_id = $1 AND state IN ('pending', 'leased') ORDER BY wave, position LIMIT $2)"
    );
    let tenants = sqlx::query_as(AssertSqlSafe(text))
        .bind(run)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("read the tenants of the run"))?;
    Ok(tenants)
}

/// Returns the slugs of the first tenants that failed.
pub(crate) async fn failed_slugs(
    connection: &mut PgConnection,
    RunId(run): RunId,
    limit: usize,
) -> Result<Vec<String>> {
    let slugs = sqlx::query_scalar(
        r"SELECT t.slug FROM control_plane.migration_run_tenants l
        JOIN control_plane.tenant_metadata t USING (tenant_id)
        WHERE l.run_id = $1 AND l.state = 'failed' ORDER BY t.slug LIMIT $2",
    )
    .bind(run)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read the tenants of the run"))?;
    Ok(slugs)
}
