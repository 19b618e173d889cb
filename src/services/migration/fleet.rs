//! Many tenants: which of them need something, several at a time, one result each.
//!
//! One tenant's failure never stops another. Everything runs in one task, so events come in one
//! line and nothing outlives the command.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use uuid::Uuid;

use super::{
    FleetEvent, FleetReport, MigrationError, SeedSet, Sets, TenantResult, TenantVerdict, bring_up,
    plan,
};
use crate::adapters::cluster::TenantDatabase;
use crate::adapters::control_plane::{
    self, AuditEntry, AuditOutcome, ControlPlane, ControlPlaneError,
};
use crate::adapters::postgres::Purpose;
use crate::model::{Actor, Classified, Interrupt, SchemaVersion, Selector, Tenant, TenantStatus};
use crate::services::place::Places;

/// How long one tenant may take in all: a server that stopped answering must not hold a whole fleet
/// up. The session is closed, and the server cancels what it still does for us.
const TENANT_DEADLINE: Duration = Duration::from_mins(30);

/// A fleet migration, complete.
#[derive(Debug)]
pub struct ApplyRequest {
    /// Which tenants.
    pub selector: Selector,
    /// What to apply.
    pub sets: Sets,
    /// Up to which version; all when none is named.
    pub target: Option<SchemaVersion>,
    /// The seed set to apply afterwards, if any.
    pub seed: Option<SeedSet>,
    /// How many tenants at the same time.
    pub jobs: usize,
    /// Whether to plan only.
    pub is_dry_run: bool,
    /// How long to wait for what is locked.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}

/// Returns the tenants a selector means.
///
/// # Errors
/// When one that was named does not exist; then none is touched.
pub async fn select(
    plane: &ControlPlane,
    selector: &Selector,
) -> Result<Vec<Tenant>, MigrationError> {
    let tenants = control_plane::select(&mut *plane.session().await?, selector).await?;
    let is_missing = |slug: &&crate::model::Slug| {
        !selector.exclude.contains(slug) && !tenants.iter().any(|tenant| tenant.slug == **slug)
    };
    let missing: Vec<String> =
        selector.slugs.iter().filter(is_missing).map(ToString::to_string).collect();
    if missing.is_empty() { Ok(tenants) } else { Err(MigrationError::NoSuchTenants(missing)) }
}

/// Migrates every tenant that needs it.
///
/// # Errors
/// When nothing could be started: a tenant that was named does not exist, or the control plane does
/// not answer. What happens to a tenant is in the report.
pub async fn apply(
    plane: &ControlPlane,
    places: &Places,
    request: &ApplyRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, MigrationError> {
    if let Some(SchemaVersion(version)) = request.target
        && !request.sets.domain.records().iter().any(|record| record.version.0 == version)
    {
        return Err(MigrationError::NoSuchVersion(version));
    }
    let tenants = select(plane, &request.selector).await?;
    let task = Task { plane, places, request };
    run_fleet(
        Fleet {
            plane,
            tenants,
            action: "migrate.apply",
            actor: &request.actor,
            jobs: request.jobs,
            is_dry_run: request.is_dry_run,
            is_named: !request.selector.slugs.is_empty(),
        },
        interrupt,
        on_event,
        |tenant| task.verdict_without_opening(tenant),
        |tenant| task.migrate(tenant),
    )
    .await
}

/// What `run_fleet` needs to know beside what to do.
pub(super) struct Fleet<'a> {
    pub(super) plane: &'a ControlPlane,
    pub(super) tenants: Vec<Tenant>,
    pub(super) action: &'static str,
    pub(super) actor: &'a Actor,
    pub(super) jobs: usize,
    pub(super) is_dry_run: bool,
    pub(super) is_named: bool,
}

/// What one tenant's turn comes to.
pub(super) type Turn = Result<(TenantVerdict, Option<SchemaVersion>), MigrationError>;

/// Gives every tenant its turn: `decide` answers for those that need no connection, `act` opens
/// the others. The audit trail gets one intent and one outcome for the whole.
pub(super) async fn run_fleet<D, A, F>(
    fleet: Fleet<'_>,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
    decide: D,
    act: A,
) -> Result<FleetReport, MigrationError>
where
    D: Fn(&Tenant) -> Option<TenantVerdict>,
    A: Fn(Tenant) -> F,
    F: Future<Output = Turn>,
{
    let started = Instant::now();
    let mut results = Vec::with_capacity(fleet.tenants.len());
    let mut to_open = Vec::new();
    let total = fleet.tenants.len();
    for tenant in fleet.tenants {
        match decide(&tenant) {
            Some(verdict) => {
                let version = tenant.schema.as_ref().and_then(|schema| schema.version);
                let elapsed = Duration::ZERO;
                results.push(TenantResult { tenant: tenant.slug, verdict, version, elapsed });
            }
            None => to_open.push(tenant),
        }
    }
    on_event(FleetEvent::Planned { tenants: total, to_open: to_open.len() });
    for result in &results {
        on_event(FleetEvent::Finished(result.clone()));
    }
    let is_writing = !to_open.is_empty() && !fleet.is_dry_run;
    let operation_id = Uuid::now_v7();
    let only = match to_open.as_slice() {
        [only] => Some((only.id, only.slug.clone())),
        _ => None,
    };
    let audit = |outcome, detail| AuditEntry {
        actor: fleet.actor,
        action: fleet.action,
        tenant_id: only.as_ref().map(|(id, _)| *id),
        target: only.as_ref().map(|(_, slug)| slug.as_str()),
        reason: None,
        detail,
        outcome,
        operation_id,
    };
    if is_writing {
        let slugs: Vec<_> = to_open.iter().take(200).map(|t| t.slug.to_string()).collect();
        let detail = serde_json::json!({ "tenants": to_open.len(), "first": slugs });
        let mut session = fleet.plane.session().await?;
        control_plane::append(&mut session, &audit(AuditOutcome::Intent, detail)).await?;
    }
    let mut turns = stream::iter(to_open)
        .map(|tenant| async {
            if interrupt.is_raised() {
                return None;
            }
            let (slug, began) = (tenant.slug.clone(), Instant::now());
            let recorded = tenant.schema.as_ref().and_then(|schema| schema.version);
            let turn = tokio::time::timeout(TENANT_DEADLINE, act(tenant)).await;
            let turn = turn.unwrap_or(Err(MigrationError::TimedOut(TENANT_DEADLINE)));
            let (verdict, version) = turn.unwrap_or_else(|error| (failure(&error), recorded));
            Some(TenantResult { tenant: slug, verdict, version, elapsed: began.elapsed() })
        })
        .buffer_unordered(fleet.jobs.max(1));
    let mut is_interrupted = false;
    while let Some(turn) = turns.next().await {
        match turn {
            Some(result) => {
                on_event(FleetEvent::Finished(result.clone()));
                results.push(result);
            }
            None => is_interrupted = true,
        }
    }
    drop(turns);
    results.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let report = FleetReport {
        results,
        is_dry_run: fleet.is_dry_run,
        is_interrupted,
        is_named: fleet.is_named,
        elapsed: started.elapsed(),
    };
    if is_writing {
        let is_failed = |v: &TenantVerdict| matches!(v, TenantVerdict::Failed { .. });
        let is_done = |v: &TenantVerdict| matches!(v, TenantVerdict::Done(_));
        let failed = report.results.iter().filter(|r| is_failed(&r.verdict)).take(200);
        let detail = serde_json::json!({
            "done": report.count(is_done),
            "failed": report.count(is_failed),
            "interrupted": is_interrupted,
            "first_failed": failed.map(|r| r.tenant.to_string()).collect::<Vec<_>>(),
        });
        let is_bad = report.count(is_failed) > 0 || is_interrupted;
        let outcome = if is_bad { AuditOutcome::Failed } else { AuditOutcome::Done };
        let mut session = fleet.plane.session().await?;
        control_plane::append(&mut session, &audit(outcome, detail)).await?;
    }
    Ok(report)
}

/// Opens a tenant's database and checks that it is the one the record means.
pub(super) async fn enter(
    plane: &ControlPlane,
    places: &Places,
    tenant: &Tenant,
    deadline: tokio::time::Instant,
) -> Result<TenantDatabase, MigrationError> {
    if tenant.database.is_none() {
        return Err(MigrationError::NotReady("no database is recorded".to_owned()));
    }
    let purpose = Purpose::migrate("migrate");
    let mut database = places.enter(plane, tenant, purpose, deadline).await?;
    database.check_identity().await?;
    Ok(database)
}

/// Returns why a tenant is left alone, if it is.
pub(super) fn reason_to_skip(tenant: &Tenant) -> Option<String> {
    if let Some(quarantine) = &tenant.quarantine {
        return Some(format!("quarantined: {}", quarantine.reason));
    }
    match tenant.status {
        TenantStatus::Active => None,
        TenantStatus::Provisioning => Some("still being created".to_owned()),
        TenantStatus::Locked => Some("locked".to_owned()),
        TenantStatus::Deleted => Some("deleted".to_owned()),
        TenantStatus::Purging | TenantStatus::Purged => Some("purged".to_owned()),
    }
}

fn failure(error: &MigrationError) -> TenantVerdict {
    TenantVerdict::Failed { kind: error.kind(), chain: error.chain(), hint: error.hint() }
}

struct Task<'a> {
    plane: &'a ControlPlane,
    places: &'a Places,
    request: &'a ApplyRequest,
}

impl Task<'_> {
    /// Answers from the record alone: an up-to-date fleet costs the one query that selected it.
    fn verdict_without_opening(&self, tenant: &Tenant) -> Option<TenantVerdict> {
        if let Some(reason) = reason_to_skip(tenant) {
            return Some(TenantVerdict::Skipped(reason));
        }
        let head = self.request.sets.head();
        let is_current =
            tenant.schema.as_ref().is_some_and(|schema| schema.fingerprint == head.fingerprint);
        if is_current && self.request.seed.is_none() {
            return Some(TenantVerdict::Unchanged);
        }
        if !self.request.is_dry_run {
            return None;
        }
        let recorded = tenant.schema.as_ref().and_then(|schema| schema.version);
        let wanted = plan::up_to(&self.request.sets.domain.records(), self.request.target);
        let pending = wanted.iter().filter(|record| recorded.is_none_or(|at| record.version > at));
        let mut lines: Vec<_> = pending.map(ToString::to_string).collect();
        lines.extend(self.request.seed.as_ref().map(|set| format!("seed {}", set.name)));
        Some(if lines.is_empty() {
            TenantVerdict::Unchanged
        } else {
            TenantVerdict::Planned(lines)
        })
    }

    async fn migrate(&self, tenant: Tenant) -> Turn {
        let deadline = tokio::time::Instant::now() + self.request.patience;
        let mut database = enter(self.plane, self.places, &tenant, deadline).await?;
        let brought =
            bring_up(&mut database, &self.request.sets, self.request.target, deadline).await;
        // What was applied before a failure is recorded as well: the record follows the database.
        let brought = match brought {
            Ok(brought) => brought,
            Err(error) => {
                if let Ok((_, schema, _)) =
                    super::one::inspect(&mut database, &self.request.sets).await
                {
                    self.record(&tenant, &schema).await?;
                }
                return Err(error);
            }
        };
        if tenant.schema.as_ref() != Some(&brought.schema) {
            self.record(&tenant, &brought.schema).await?;
        }
        let mut lines: Vec<_> = brought.applied.iter().map(ToString::to_string).collect();
        if let Some(set) = &self.request.seed {
            let outcome = database.seed(&set.name, &set.files).await?;
            if outcome.applied > 0 {
                lines.push(format!("seed {}", set.name));
            }
        }
        database.close().await;
        let verdict =
            if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Done(lines) };
        Ok((verdict, brought.schema.version))
    }

    async fn record(
        &self,
        tenant: &Tenant,
        schema: &crate::model::SchemaState,
    ) -> Result<(), ControlPlaneError> {
        let mut session = self.plane.session().await?;
        control_plane::record_schema(&mut session, tenant.id, schema).await
    }
}
