//! Works on a run and reports what became of it, whoever worked on it.

use super::error::RunError;
use super::report::{lines, standing};
use super::told::result_on_leaving;
use super::work::{Work, work};
use crate::adapters::control_plane::Run;
use crate::model::Interrupt;
use crate::services::fleet::event::FleetEvent;
use crate::services::fleet::report::{FleetReport, RunStanding};
use std::collections::BTreeSet;

/// Takes part in a run for as long as it goes on, and returns what became of it.
///
/// # Errors
/// When the control plane does not answer.
pub(in crate::services::fleet) async fn finish(
    part: &Work<'_>,
    run: Run,
    is_joined: bool,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, RunError> {
    let plane = &part.turns.world.plane;
    on_event(FleetEvent::Run { run: run.id, is_joined });
    let left = work(part, run.id, interrupt, on_event).await?;
    let results = lines(plane, run.id).await?.iter().map(result_on_leaving).collect();
    let is_over = left.run.state.is_over();
    let standing = standing(plane, left.run).await?;
    Ok(FleetReport {
        results,
        is_dry_run: false,
        is_interrupted: interrupt.is_raised() && !is_over,
        demanded: BTreeSet::new(),
        elapsed: part.started.elapsed(),
        run: Some(RunStanding { is_joined, refused: left.refused, ..standing }),
    })
}
