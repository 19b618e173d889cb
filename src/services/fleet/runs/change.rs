//! `migrate runs`: lists runs, shows one, pauses and cancels it.

use super::error::RunError;
use super::plan::{committing, find, target};
use super::report::{results, standing};
use super::settle::end;
use crate::adapters::control_plane::{self, ControlPlane, WhichRun};
use crate::model::{Act, Actor, Reason, RunId, RunState};
use crate::services::audit::Entry;
use crate::services::fleet::report::{RunStanding, TenantResult};

/// A run and its tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunReport {
    pub standing: RunStanding,
    /// By slug.
    pub results: Vec<TenantResult>,
}

/// Returns the newest runs, newest first.
///
/// # Errors
/// When the control plane does not answer.
pub(crate) async fn list_runs(
    plane: &ControlPlane,
    limit: i64,
) -> Result<Vec<RunStanding>, RunError> {
    let runs = control_plane::list_runs(&mut *plane.session().await?, limit).await?;
    let mut standings = Vec::with_capacity(runs.len());
    for run in runs {
        standings.push(standing(plane, run).await?);
    }
    Ok(standings)
}

/// Returns a run and where each of its tenants stands.
///
/// # Errors
/// When there is no such run.
pub(crate) async fn show_run(plane: &ControlPlane, id: RunId) -> Result<RunReport, RunError> {
    let standing = look_at_run(plane, id).await?;
    Ok(RunReport { results: results(plane, id).await?, standing })
}

/// Returns where a run stands.
///
/// # Errors
/// When there is no such run.
pub(crate) async fn look_at_run(plane: &ControlPlane, id: RunId) -> Result<RunStanding, RunError> {
    let run = find(plane, WhichRun::Number(id)).await?.ok_or(RunError::NoSuchRun(id))?;
    standing(plane, run).await
}

/// What an operator does to a run from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Pause,
    Cancel,
}

impl Change {
    fn act(self) -> (Act, RunState) {
        match self {
            Self::Pause => (Act::PauseRun, RunState::Paused),
            Self::Cancel => (Act::CancelRun, RunState::Cancelled),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ChangeRequest {
    pub run: RunId,
    pub change: Change,
    pub actor: Actor,
    pub reason: Option<Reason>,
    pub is_dry_run: bool,
}

/// What became of a run that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeReport {
    pub standing: RunStanding,
    /// Whether it was something else before.
    pub is_changed: bool,
    pub is_dry_run: bool,
}

/// Keeps a run from starting anything new: for now, or for good. What runs is finished and recorded.
///
/// # Errors
/// When there is no such run, or it is over.
pub(crate) async fn change_run(
    plane: &ControlPlane,
    request: &ChangeRequest,
) -> Result<ChangeReport, RunError> {
    let ChangeRequest { run: id, change, actor, reason, is_dry_run } = request;
    let (id, is_dry_run) = (*id, *is_dry_run);
    let (act, state) = change.act();
    let mut transaction = plane.begin().await?;
    let found = control_plane::find_run(&mut transaction, WhichRun::Number(id), true).await?;
    let run = found.ok_or(RunError::NoSuchRun(id))?;
    if run.state == state || is_dry_run && !run.state.is_over() {
        drop(transaction);
        let is_changed = run.state != state;
        return Ok(ChangeReport { standing: standing(plane, run).await?, is_changed, is_dry_run });
    }
    if run.state.is_over() {
        return Err(RunError::WrongState { act: act.word(), run: id, state: run.state });
    }
    let why = reason.as_ref().map_or("an operator said so", Reason::as_str);
    let mut entry = Entry::new(act, actor).on(None, target(id));
    if let Some(reason) = reason {
        entry = entry.because(reason);
    }
    let detail = serde_json::json!({ "run": id.0, "was": run.state.word() });
    let entry = entry.intent(&mut transaction, detail.clone()).await?;
    control_plane::set_run_state(&mut transaction, id, state, Some((why, actor.as_str()))).await?;
    entry.done(&mut transaction, detail).await?;
    if state.is_over() {
        let counts = control_plane::count_run(&mut transaction, id).await?;
        end(&mut transaction, &run, &counts, actor, state).await?;
    }
    transaction.commit().await.map_err(committing)?;
    let standing = look_at_run(plane, id).await?;
    Ok(ChangeReport { standing, is_changed: true, is_dry_run })
}
