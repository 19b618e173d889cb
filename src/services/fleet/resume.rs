//! `migrate resume`: takes part in a run that another process made, or goes on with one that stopped.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::event::FleetEvent;
use super::report::FleetReport;
use super::runs::{Resumed, RunError, Work, finish, plan_of, resume, some_open};
use super::trial::{Trial, Wanted};
use super::turn::Turns;
use crate::adapters::control_plane::Run;
use crate::model::{Actor, Interrupt, MigrationRecord, Patience, RunId};
use crate::services::home::World;
use crate::services::migration::{Sets, find_set, up_to};

#[derive(Debug)]
pub(crate) struct ResumeRequest {
    /// The newest unfinished one where none is named.
    pub run: Option<RunId>,
    /// Whether the tenants that failed have another turn.
    pub is_for_failed: bool,
    pub sets: Sets,
    /// Where the run's seed set is looked for.
    pub seeds_folder: Option<PathBuf>,
    /// How many tenants at the same time.
    pub jobs: usize,
    pub is_dry_run: bool,
    pub patience: Patience,
    pub lease: Duration,
    pub actor: Actor,
}

/// Takes part in a run until it is over, or paused.
///
/// # Errors
/// When there is none, it was cancelled, or it was planned with other migrations than are here.
pub(crate) async fn resume_run(
    world: &World,
    request: &ResumeRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, RunError> {
    let started = Instant::now();
    let check = |run: &Run| check_migrations(run, &request.sets);
    let (plane, actor) = (&world.plane, &request.actor);
    let which = Resumed {
        named: request.run,
        is_for_failed: request.is_for_failed,
        is_dry_run: request.is_dry_run,
    };
    let run = resume(plane, which, actor, check).await?;
    if request.is_dry_run {
        return plan_of(plane, run, request.is_for_failed, started).await;
    }
    let seed = match &run.seed_set {
        Some(name) => Some(find_set(request.seeds_folder.as_deref(), name)?),
        None => None,
    };
    let open = some_open(plane, run.id).await?;
    let deadline = request.patience.until();
    let wanted = Wanted { sets: &request.sets, target: run.target, deadline, on_event };
    let trial = Trial::of(world, &wanted, &open).await?;
    let turns = Turns {
        world,
        sets: &request.sets,
        target: run.target,
        seed: seed.as_ref(),
        patience: request.patience,
        is_in_run: true,
        trial,
    };
    let (jobs, lease) = (request.jobs, request.lease);
    let work = Work { turns: &turns, jobs, lease, actor, started };
    finish(&work, run, true, interrupt, on_event).await
}

/// Refuses to go on with other migrations than a run was planned with.
fn check_migrations(run: &Run, sets: &Sets) -> Result<(), RunError> {
    if sets.state_at(run.target).fingerprint == run.fingerprint {
        return Ok(());
    }
    let here = up_to(&sets.domain.records(), run.target);
    let what = first_difference(&run.migrations, &here).unwrap_or_else(|| {
        "the gate's migrations or functions in this tenantctl are others than it was planned with"
            .to_owned()
    });
    Err(RunError::OtherMigrations { run: run.id, what })
}

fn first_difference(planned: &[MigrationRecord], here: &[MigrationRecord]) -> Option<String> {
    let of = |list: &[MigrationRecord], version| {
        list.iter().find(|record| record.version == version).cloned()
    };
    for record in planned {
        match of(here, record.version) {
            Some(ours) if ours == *record => {}
            Some(ours) if ours.name != record.name => {
                return Some(format!("it was planned with {record}, and here is {ours}"));
            }
            Some(_) => return Some(format!("{record} has another text than it was planned with")),
            None => return Some(format!("it was planned with {record}, which is not here")),
        }
    }
    let more = here.iter().find(|record| of(planned, record.version).is_none());
    more.map(|record| format!("{record} is here, and it was planned without"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SchemaVersion;

    #[test]
    fn what_differs_is_named() {
        let record = |version, name: &str, checksum| MigrationRecord {
            version: SchemaVersion(version),
            name: name.to_owned(),
            checksum,
        };
        let planned = [record(1, "a", 1), record(2, "b", 2)];
        let said = |here: &[MigrationRecord]| first_difference(&planned, here).unwrap_or_default();
        assert_eq!(said(&planned), "");
        assert_eq!(said(&planned[..1]), "it was planned with V2__b, which is not here");
        let edited = [record(1, "a", 1), record(2, "b", 3)];
        assert_eq!(said(&edited), "V2__b has another text than it was planned with");
        let renamed = [record(1, "a", 1), record(2, "c", 3)];
        assert_eq!(said(&renamed), "it was planned with V2__b, and here is V2__c");
        let more = [record(1, "a", 1), record(2, "b", 2), record(3, "c", 3)];
        assert_eq!(said(&more), "V3__c is here, and it was planned without");
    }
}
