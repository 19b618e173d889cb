//! `migrate apply`: migrates every selected tenant that needs it.

use super::event::FleetEvent;
use super::report::{FleetReport, TenantVerdict};
use super::run::{Fleet, Turn, run_fleet};
use super::select::{LOCKED, enter, enter_to_migrate, reason_to_skip, select};
use super::trial::{Trial, Wanted};
use crate::adapters::control_plane::{self, ControlPlaneError};
use crate::model::{Act, Actor, Interrupt, Patience, SchemaState, SchemaVersion, Selector, Tenant};
use crate::services::home::World;
use crate::services::migration::{MigrationError, SeedSet, Sets, bring_up, inspect, judge, up_to};

#[derive(Debug)]
pub(crate) struct ApplyRequest {
    pub selector: Selector,
    pub sets: Sets,
    /// The last version to apply; all without one.
    pub target: Option<SchemaVersion>,
    /// Applied afterwards.
    pub seed: Option<SeedSet>,
    /// How many tenants at the same time.
    pub jobs: usize,
    pub is_dry_run: bool,
    /// How long to wait for a tenant's server and its lock.
    pub patience: Patience,
    pub actor: Actor,
}

/// Migrates every tenant that needs it.
///
/// # Errors
/// When no tenant could be started, as when a named one does not exist. What happens to a single
/// tenant is in the report.
pub(crate) async fn apply(
    world: &World,
    request: &ApplyRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(FleetEvent),
) -> Result<FleetReport, MigrationError> {
    if let Some(SchemaVersion(version)) = request.target
        && !request.sets.domain.records().iter().any(|record| record.version.0 == version)
    {
        return Err(MigrationError::NoSuchVersion(version));
    }
    let tenants = select(&world.plane, &request.selector).await?;
    let deadline = request.patience.until();
    let wanted = Wanted { sets: &request.sets, target: request.target, deadline, on_event };
    let trial = Trial::of(world, &wanted, &tenants).await?;
    let task = Task { world, request, trial };
    run_fleet(
        Fleet {
            plane: &world.plane,
            tenants,
            act: Act::Migrate,
            actor: &request.actor,
            jobs: request.jobs,
            is_dry_run: request.is_dry_run,
            selector: &request.selector,
        },
        interrupt,
        on_event,
        |tenant| task.verdict_without_opening(tenant),
        |tenant| task.turn(tenant),
    )
    .await
}

struct Task<'a> {
    world: &'a World,
    request: &'a ApplyRequest,
    trial: Trial,
}

impl Task<'_> {
    /// Returns the verdict where the tenant's row is enough for one: an up-to-date fleet costs
    /// the one query that selected it.
    fn verdict_without_opening(&self, tenant: &Tenant) -> Option<TenantVerdict> {
        let head = self.request.sets.head();
        let is_current =
            tenant.schema.as_ref().is_some_and(|schema| schema.fingerprint == head.fingerprint);
        let has_all = is_current && self.request.seed.is_none();
        match reason_to_skip(tenant) {
            // There is nothing that the lock keeps from it.
            Some(reason) if !(has_all && reason == LOCKED) => {
                return Some(TenantVerdict::Skipped(reason));
            }
            _ if has_all => return Some(TenantVerdict::Unchanged),
            _ => {}
        }
        // A database that went through our files, as far as it is, needs what comes after; of any
        // other its own history tells.
        let is_ours = tenant.schema.as_ref().is_none_or(|schema| {
            let ours = self.request.sets.state_at(schema.version);
            schema.version.is_some() && schema.fingerprint == ours.fingerprint
        });
        if !self.request.is_dry_run || !is_ours || self.request.seed.is_some() {
            return None;
        }
        let recorded = tenant.schema.as_ref().and_then(|schema| schema.version);
        let wanted = up_to(&self.request.sets.domain.records(), self.request.target);
        let pending = wanted.iter().filter(|record| recorded.is_none_or(|at| record.version > at));
        Some(planned(pending.map(ToString::to_string).collect()))
    }

    async fn turn(&self, tenant: Tenant) -> Turn {
        if self.request.is_dry_run { self.plan(tenant).await } else { self.migrate(tenant).await }
    }

    /// Looks at what is pending in a tenant's database; nothing is changed.
    async fn plan(&self, tenant: Tenant) -> Turn {
        let deadline = self.request.patience.until();
        let mut database = enter(self.world, &tenant, deadline).await?;
        let (_, schema, missing) = inspect(&mut database, &self.request.sets).await?;
        let pending = missing.iter().filter(|record| match self.request.target {
            Some(target) => record.version <= target,
            None => true,
        });
        let mut lines: Vec<_> = pending.map(ToString::to_string).collect();
        if let Some(set) = &self.request.seed
            && database.seeds_left(&set.seeds()).await? > 0
        {
            lines.push(format!("seed {}", set.name));
        }
        database.close().await;
        Ok((planned(lines), schema.version))
    }

    async fn migrate(&self, tenant: Tenant) -> Turn {
        let first = self.trial.enter(&tenant).await?;
        let turn = self.migrate_one(&tenant, first.is_some()).await;
        if let Some(first) = first {
            first.over(&tenant, turn.as_ref().err());
        }
        turn
    }

    /// Migrates one tenant; one that is the first to get the migrations is judged afterwards.
    async fn migrate_one(&self, tenant: &Tenant, is_first: bool) -> Turn {
        let deadline = self.request.patience.until();
        let mut database = enter_to_migrate(self.world, tenant, deadline).await?;
        let brought =
            bring_up(&mut database, &self.request.sets, self.request.target, deadline).await;
        // Migrations that were applied before the failure stay applied, so they are recorded too.
        let brought = match brought {
            Ok(brought) => brought,
            Err(error) => {
                if let Ok((_, schema, _)) = inspect(&mut database, &self.request.sets).await {
                    self.record(tenant, &schema).await?;
                }
                return Err(error);
            }
        };
        if tenant.schema.as_ref() != Some(&brought.schema) {
            self.record(tenant, &brought.schema).await?;
        }
        if is_first {
            let found = judge(database.exposure().await?.findings.0, &self.request.sets);
            if !found.is_empty() {
                return Err(MigrationError::Exposed { found, has_run: true });
            }
        }
        let mut lines: Vec<_> = brought.applied.iter().map(ToString::to_string).collect();
        if let Some(set) = &self.request.seed {
            let outcome = database.seed(&set.seeds()).await?;
            if outcome.applied > 0 {
                lines.push(format!("seed {}", set.name));
            }
        }
        database.close().await;
        let verdict =
            if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Done(lines) };
        Ok((verdict, brought.schema.version))
    }

    async fn record(&self, tenant: &Tenant, schema: &SchemaState) -> Result<(), ControlPlaneError> {
        let mut session = self.world.plane.session().await?;
        control_plane::record_schema(&mut session, tenant.id, schema).await
    }
}

fn planned(lines: Vec<String>) -> TenantVerdict {
    if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Planned(lines) }
}
