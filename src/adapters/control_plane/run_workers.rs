//! `control_plane.migration_run_workers`: the processes that take part in a run.
//!
//! What a process has leased is its own while its session lives, and no longer than it said: one that
//! is killed loses it at once, one that hangs when its time is over. All times are this database's.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{LifeSign, PgError, lives, row};
use crate::model::RunId;

type Result<T> = std::result::Result<T, ControlPlaneError>;

row! {
    /// A process that takes part at this moment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct RunWorker {
        pub(crate) worker_id: Uuid,
        /// As `machine:process`.
        pub(crate) holder: String,
        /// How many tenants at a time it works on.
        pub(crate) jobs: i32,
        /// How many lines it has.
        pub(crate) leased: i64,
    }
}

/// Lets a process take part; the session that shows its life is this one.
pub(crate) async fn join_run(
    connection: &mut PgConnection,
    RunId(run): RunId,
    (holder, jobs): (&str, usize),
    sign: LifeSign,
    lease: Duration,
) -> Result<Uuid> {
    let worker = Uuid::now_v7();
    sqlx::query(
        r"INSERT INTO control_plane.migration_run_workers
            (worker_id, run_id, holder, token, pid, role, jobs, lease_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 millisecond')",
    )
    .bind(worker)
    .bind(run)
    .bind(holder)
    .bind(sign.token)
    .bind(sign.pid)
    .bind(sign.role)
    .bind(i32::try_from(jobs).unwrap_or(i32::MAX))
    .bind(millis(lease))
    .execute(connection)
    .await
    .map_err(PgError::doing("take part in the run"))?;
    Ok(worker)
}

/// Renews what a process has leased; returns whether it still has it.
pub(crate) async fn renew(
    connection: &mut PgConnection,
    worker: Uuid,
    jobs: usize,
    lease: Duration,
) -> Result<bool> {
    let done = sqlx::query(
        r"UPDATE control_plane.migration_run_workers
        SET lease_until = clock_timestamp() + $2 * interval '1 millisecond', jobs = $3
        WHERE worker_id = $1 AND left_at IS NULL",
    )
    .bind(worker)
    .bind(millis(lease))
    .bind(i32::try_from(jobs).unwrap_or(i32::MAX))
    .execute(connection)
    .await
    .map_err(PgError::doing("renew the lease"))?;
    Ok(done.rows_affected() == 1)
}

/// Gives back what a process has not begun, and ends its part.
pub(crate) async fn leave_run(connection: &mut PgConnection, worker: Uuid) -> Result<()> {
    sqlx::query(
        r"WITH gone AS (
            UPDATE control_plane.migration_run_workers SET left_at = clock_timestamp(), jobs = 0
            WHERE worker_id = $1)
        UPDATE control_plane.migration_run_tenants SET state = 'pending', worker_id = NULL
        WHERE worker_id = $1 AND state = 'leased'
            AND run_id = (SELECT run_id FROM control_plane.migration_run_workers WHERE worker_id = $1)",
    )
    .bind(worker)
    .execute(connection)
    .await
    .map_err(PgError::doing("give tenants of the run back"))?;
    Ok(())
}

/// Puts the lines of processes that are gone back into the queue; returns how many.
pub(crate) async fn free_lines(connection: &mut PgConnection, RunId(run): RunId) -> Result<u64> {
    let text = format!(
        r"WITH gone AS (
            UPDATE control_plane.migration_run_workers w SET left_at = clock_timestamp(), jobs = 0
            WHERE w.run_id = $1 AND w.left_at IS NULL
                AND (w.lease_until < clock_timestamp() OR NOT {})
            RETURNING w.worker_id)
        UPDATE control_plane.migration_run_tenants l SET state = 'pending', worker_id = NULL
        FROM gone WHERE l.run_id = $1 AND l.state = 'leased' AND l.worker_id = gone.worker_id",
        lives("w")
    );
    let done = sqlx::query(AssertSqlSafe(text))
        .bind(run)
        .execute(connection)
        .await
        .map_err(PgError::doing("free the tenants of processes that are gone"))?;
    Ok(done.rows_affected())
}

/// Returns the processes that take part, longest first.
pub(crate) async fn workers_of(
    connection: &mut PgConnection,
    RunId(run): RunId,
) -> Result<Vec<RunWorker>> {
    let text = format!(
        r"SELECT w.worker_id, w.holder, w.jobs, (
            SELECT count(*) FROM control_plane.migration_run_tenants l
            WHERE l.run_id = $1 AND l.state = 'leased' AND l.worker_id = w.worker_id) AS leased
        FROM control_plane.migration_run_workers w
        WHERE w.run_id = $1 AND w.left_at IS NULL AND w.lease_until >= clock_timestamp() AND {}
        ORDER BY w.joined_at",
        lives("w")
    );
    let workers = sqlx::query_as(AssertSqlSafe(text))
        .bind(run)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("look who takes part in the run"))?;
    Ok(workers)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
