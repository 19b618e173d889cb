//! What became of a run, read from its lines: whoever worked on them.

use std::collections::BTreeSet;
use std::time::Instant;

use super::error::RunError;
use super::told::result_of;
use crate::adapters::control_plane::{self, ControlPlane, Line, Run};
use crate::model::{RunId, Slug};
use crate::services::fleet::report::{FleetReport, RunStanding, TenantResult, TenantVerdict};

/// How many lines one query brings.
const PAGE: i64 = 5000;

/// Returns where a run stands at this moment.
pub(super) async fn standing(plane: &ControlPlane, run: Run) -> Result<RunStanding, RunError> {
    let mut session = plane.session().await?;
    let counts = control_plane::count_run(&mut session, run.id).await?;
    let workers = control_plane::workers_of(&mut session, run.id).await?;
    let looked_at = control_plane::now(&mut session).await?;
    Ok(RunStanding { run, counts, workers, looked_at, is_joined: false, refused: 0 })
}

/// Returns every line of a run, by slug.
pub(super) async fn lines(plane: &ControlPlane, run: RunId) -> Result<Vec<Line>, RunError> {
    let mut session = plane.session().await?;
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let after: Option<Slug> = lines.last().map(|line| line.slug.clone());
        let page = control_plane::list_lines(&mut session, run, after.as_ref(), PAGE).await?;
        let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        lines.extend(page);
        if is_last {
            return Ok(lines);
        }
    }
}

/// Returns a run's tenants as the results of a command, by slug.
pub(super) async fn results(
    plane: &ControlPlane,
    run: RunId,
) -> Result<Vec<TenantResult>, RunError> {
    Ok(lines(plane, run).await?.iter().map(result_of).collect())
}

/// Returns what going on with a run would do.
pub(in crate::services::fleet) async fn plan_of(
    plane: &ControlPlane,
    run: Run,
    is_for_failed: bool,
    started: Instant,
) -> Result<FleetReport, RunError> {
    let lines = lines(plane, run.id).await?;
    let standing = standing(plane, run).await?;
    let pending = |line: &Line| {
        let migrations = standing.run.migrations.iter();
        let at = line.to.or(line.from);
        let left = migrations.filter(move |it| at.is_none_or(|at| it.version > at));
        left.map(ToString::to_string).collect()
    };
    let result = |line: &Line| {
        let result = result_of(line);
        let is_to_do = match result.verdict {
            TenantVerdict::NotBegun => true,
            TenantVerdict::Failed(_) => is_for_failed,
            _ => false,
        };
        if !is_to_do {
            return result;
        }
        TenantResult { verdict: TenantVerdict::Planned(pending(line)), ..result }
    };
    Ok(FleetReport {
        results: lines.iter().map(result).collect(),
        is_dry_run: true,
        is_interrupted: false,
        demanded: BTreeSet::new(),
        elapsed: started.elapsed(),
        run: Some(standing),
    })
}
