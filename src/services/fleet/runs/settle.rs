//! Lets a run go where its tenants lead it, and writes its outcome where that is its end.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::course;
use super::error::RunError;
use super::plan::{NAMED, committing, entry_of};
use crate::adapters::control_plane::{self, AuditOutcome, Run, RunCounts, WhichRun};
use crate::model::{Actor, RunId, RunState};

/// Lets a run go on, and returns it with its counts.
pub(super) async fn settle(
    session: &mut PgConnection,
    id: RunId,
    actor: &Actor,
) -> Result<(Run, RunCounts), RunError> {
    let mut transaction = session.begin().await.map_err(committing)?;
    let settled = settle_in(&mut transaction, id, actor).await?;
    transaction.commit().await.map_err(committing)?;
    Ok(settled)
}

async fn settle_in(
    connection: &mut PgConnection,
    id: RunId,
    actor: &Actor,
) -> Result<(Run, RunCounts), RunError> {
    loop {
        let run = control_plane::find_run(connection, WhichRun::Number(id), true).await?;
        let run = run.ok_or(RunError::NoSuchRun(id))?;
        let counts = control_plane::count_run(connection, id).await?;
        let Some((state, why)) = course::next(run.state, &counts, run.failure_limit) else {
            return Ok((run, counts));
        };
        let by = why.as_deref().map(|why| (why, "tenantctl"));
        control_plane::set_run_state(connection, id, state, by).await?;
        if state.is_over() {
            end(connection, &run, &counts, actor, state).await?;
        }
    }
}

/// Writes the outcome of a run that is over.
pub(super) async fn end(
    connection: &mut PgConnection,
    run: &Run,
    counts: &RunCounts,
    actor: &Actor,
    state: RunState,
) -> Result<(), RunError> {
    let failed = control_plane::failed_slugs(connection, run.id, NAMED).await?;
    let detail = serde_json::json!({
        "run": run.id.0,
        "state": state.word(),
        "done": counts.done,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "not_begun": counts.open(),
        "first_failed": failed,
    });
    let outcome = match state {
        RunState::Completed => AuditOutcome::Done,
        _ => AuditOutcome::Failed,
    };
    let entry = entry_of(run.id, run.operation_id, actor).intended();
    Ok(entry.end(connection, outcome, detail).await?)
}
