//! `migrate apply`: migrates every selected tenant that needs it, several as a run.

use std::time::{Duration, Instant};

use super::event::FleetEvent;
use super::report::{FleetReport, TenantResult, TenantVerdict};
use super::run::{Fleet, Turn, decided, demanded_of, run_fleet};
use super::runs::{Limits, Plan, RunError, Work, finish, is_open, make_or_join};
use super::select::{LOCKED, enter, reason_to_skip, select};
use super::trial::{Trial, Wanted};
use super::turn::{Turned, Turns};
use crate::adapters::control_plane;
use crate::model::{Act, Actor, Interrupt, Patience, Reason, SchemaVersion, Selector, Tenant};
use crate::services::home::World;
use crate::services::migration::{MigrationError, SeedSet, Sets, inspect, up_to};

#[derive(Debug)]
pub(crate) struct ApplyRequest {
    pub selector: Selector,
    pub sets: Sets,
    /// The last version to apply; all without one.
    pub target: Option<SchemaVersion>,
    /// Applied afterwards.
    pub seed: Option<SeedSet>,
    /// What stops it before its end.
    pub limits: Limits,
    /// How many tenants at the same time.
    pub jobs: usize,
    pub is_dry_run: bool,
    /// How long to wait for a tenant's server and its lock.
    pub patience: Patience,
    /// For how long what this process takes of a run is its own without a word from it.
    pub lease: Duration,
    pub actor: Actor,
    pub reason: Option<Reason>,
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
) -> Result<FleetReport, RunError> {
    let started = Instant::now();
    if let Some(SchemaVersion(version)) = request.target
        && !request.sets.domain.records().iter().any(|record| record.version.0 == version)
    {
        return Err(MigrationError::NoSuchVersion(version).into());
    }
    let tenants = select(&world.plane, &request.selector).await?;
    let deadline = request.patience.until();
    let wanted = Wanted { sets: &request.sets, target: request.target, deadline, on_event };
    let turns = Turns {
        world,
        sets: &request.sets,
        target: request.target,
        seed: request.seed.as_ref(),
        patience: request.patience,
        is_in_run: false,
        trial: Trial::of(world, &wanted, &tenants).await?,
    };
    let task = Task { world, request, turns };
    let needy = tenants.iter().filter(|tenant| task.verdict_without_opening(tenant).is_none());
    let needy = needy.count();
    if !request.is_dry_run
        && (needy > 1
            // The last one of a run that was left may be all that is left to do.
            || needy == 1 && tenants.len() > 1 && is_open(&world.plane, &task.asked()).await?)
    {
        return task.run_together(tenants, started, interrupt, on_event).await;
    }
    let fleet = Fleet {
        plane: &world.plane,
        tenants,
        act: Act::Migrate,
        actor: &request.actor,
        jobs: request.jobs,
        is_dry_run: request.is_dry_run,
        selector: &request.selector,
    };
    let decide = |tenant: &Tenant| task.verdict_without_opening(tenant);
    let report = run_fleet(fleet, interrupt, on_event, decide, |tenant| task.turn(tenant)).await?;
    Ok(report)
}

struct Task<'a> {
    world: &'a World,
    request: &'a ApplyRequest,
    turns: Turns<'a>,
}

impl Task<'_> {
    /// Makes a run of those that need something, or goes on with the one that was made before, and
    /// works on it.
    async fn run_together(
        self,
        tenants: Vec<Tenant>,
        started: Instant,
        interrupt: &Interrupt,
        on_event: &dyn Fn(FleetEvent),
    ) -> Result<FleetReport, RunError> {
        let Self { world, request, .. } = self;
        let is_settled = |tenant: &Tenant| {
            let verdict = self.verdict_without_opening(tenant);
            verdict.filter(|verdict| *verdict == TenantVerdict::Unchanged)
        };
        let (settled, lines): (Vec<_>, Vec<_>) =
            tenants.into_iter().partition(|tenant| is_settled(tenant).is_some());
        let settled: Vec<TenantResult> =
            settled.iter().map(|it| decided(it, TenantVerdict::Unchanged)).collect();
        let (run, is_joined) = make_or_join(&world.plane, &self.asked(), &lines).await?;
        let work = Work {
            turns: &Turns { is_in_run: true, ..self.turns },
            jobs: request.jobs,
            lease: request.lease,
            actor: &request.actor,
            started,
        };
        let report = finish(&work, run, is_joined, interrupt, on_event).await?;
        let mut report = report;
        report.take_in(settled);
        report.demanded = demanded_of(&report.results, &request.selector);
        Ok(report)
    }

    fn asked(&self) -> Plan<'_> {
        let request = self.request;
        Plan {
            selector: &request.selector,
            sets: &request.sets,
            target: request.target,
            seed_set: request.seed.as_ref().map(|set| set.name.as_str()),
            limits: &request.limits,
            actor: &request.actor,
            reason: request.reason.as_ref(),
        }
    }

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

    /// Migrates one tenant alone, and records what its database says of itself.
    async fn migrate(&self, tenant: Tenant) -> Turn {
        let Turned { end, schema } = self.turns.take(&tenant).await;
        if let Some(schema) = &schema
            && tenant.schema.as_ref() != Some(schema)
        {
            let mut session = self.world.plane.session().await?;
            control_plane::record_schema(&mut session, tenant.id, schema).await?;
        }
        let lines = end?;
        let verdict =
            if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Done(lines) };
        Ok((verdict, schema.and_then(|schema| schema.version)))
    }
}

fn planned(lines: Vec<String>) -> TenantVerdict {
    if lines.is_empty() { TenantVerdict::Unchanged } else { TenantVerdict::Planned(lines) }
}
