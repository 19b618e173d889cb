//! `migrate repair` and `migrate baseline`: histories made to say what is so, in every selected tenant.

use super::event::FleetEvent;
use super::report::{FleetReport, TenantVerdict};
use super::run::{Fleet, Turn, run_fleet};
use super::select::{enter_to_migrate, reason_to_skip, select};
use crate::adapters::control_plane::{self, AuditOutcome};
use crate::model::{Act, Actor, Interrupt, Patience, Reason, Selector, Tenant};
use crate::services::audit::{Entry, OpenEntry};
use crate::services::home::World;
use crate::services::migration::{
    CleanBuilds, MigrationError, RecordsChange, Sets, change_records,
};

/// How many tenants an audit entry names.
const NAMED: usize = 200;

#[derive(Debug)]
pub(crate) struct RecordsRequest {
    pub selector: Selector,
    pub sets: Sets,
    pub change: RecordsChange,
    pub reason: Reason,
    pub jobs: usize,
    pub is_dry_run: bool,
    /// How long to wait for a tenant's server and its lock.
    pub patience: Patience,
    pub actor: Actor,
}

impl RecordsRequest {
    fn act(&self) -> Act {
        match self.change {
            RecordsChange::Accept(_) => Act::Repair,
            RecordsChange::Baseline(_) => Act::Baseline,
        }
    }
}

/// Changes what the selected tenants' histories say, where their catalogs agree.
///
/// # Errors
/// When no file has a version, or a named tenant does not exist. What happens to a single tenant is in
/// the report.
pub(crate) async fn change_histories(
    world: &World,
    request: &RecordsRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, MigrationError> {
    let files = request.sets.domain.records();
    for version in request.change.versions() {
        if !files.iter().any(|file| file.version == version) {
            return Err(MigrationError::NoSuchVersion(version.0));
        }
    }
    let tenants = select(&world.plane, &request.selector).await?;
    let clean = CleanBuilds::new(world, &request.sets);
    if let RecordsChange::Baseline(at) = &request.change
        && let Some(tenant) = tenants.iter().find(|it| reason_to_skip(it).is_none())
    {
        // Made here, so that no tenant's transaction stays open meanwhile.
        clean.judge(tenant.placement, Some(*at), request.patience.until()).await?;
    }
    let act = |tenant: Tenant| one(world, request, &clean, tenant);
    let decide = |tenant: &Tenant| reason_to_skip(tenant).map(TenantVerdict::Skipped);
    let entry =
        if request.is_dry_run { None } else { Some(intend(world, request, &tenants).await?) };
    let fleet = Fleet {
        plane: &world.plane,
        tenants,
        act: request.act(),
        actor: &request.actor,
        jobs: request.jobs,
        // Its entry is written here, with the versions and the reason.
        is_dry_run: true,
        selector: &request.selector,
    };
    let report = run_fleet(fleet, interrupt, on_event, decide, act).await?;
    let report = FleetReport { is_dry_run: request.is_dry_run, ..report };
    if let Some(entry) = entry {
        let count = |test: fn(&TenantVerdict) -> bool| report.count(test);
        let failed = count(|verdict| matches!(verdict, TenantVerdict::Failed(_)));
        let detail = serde_json::json!({
            "done": count(|verdict| matches!(verdict, TenantVerdict::Done(_))),
            "failed": failed,
            "interrupted": report.is_interrupted,
        });
        let is_bad = failed > 0 || report.is_interrupted;
        let outcome = if is_bad { AuditOutcome::Failed } else { AuditOutcome::Done };
        entry.end(&mut *world.plane.session().await?, outcome, detail).await?;
    }
    Ok(report)
}

async fn intend(
    world: &World,
    request: &RecordsRequest,
    tenants: &[Tenant],
) -> Result<OpenEntry, MigrationError> {
    let first: Vec<_> = tenants.iter().take(NAMED).map(|it| it.slug.to_string()).collect();
    let versions: Vec<_> = request.change.versions().iter().map(ToString::to_string).collect();
    let detail =
        serde_json::json!({ "tenants": tenants.len(), "first": first, "versions": versions });
    let entry = Entry::new(request.act(), &request.actor).because(&request.reason);
    let entry = match tenants {
        [only] => entry.about(only),
        _ => entry,
    };
    Ok(entry.intent(&mut *world.plane.session().await?, detail).await?)
}

async fn one(
    world: &World,
    request: &RecordsRequest,
    clean: &CleanBuilds<'_>,
    tenant: Tenant,
) -> Turn {
    let deadline = request.patience.until();
    let mut database = enter_to_migrate(world, &tenant, deadline).await?;
    let (change, is_dry_run) = (&request.change, request.is_dry_run);
    let recorded =
        change_records(clean, &tenant, &mut database, change, is_dry_run, deadline).await?;
    database.close().await;
    let mut lines = recorded.lines;
    if is_dry_run {
        let version = tenant.schema.and_then(|schema| schema.version);
        let verdict =
            if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Planned(lines) };
        return Ok((verdict, version));
    }
    if tenant.schema.as_ref() != Some(&recorded.schema) {
        let mut session = world.plane.session().await?;
        control_plane::record_schema(&mut session, tenant.id, &recorded.schema).await?;
        if lines.is_empty() {
            // A run that was killed between the two changed the history.
            lines.push("the control plane's record".to_owned());
        }
    }
    let verdict =
        if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Done(lines) };
    Ok((verdict, recorded.schema.version))
}
