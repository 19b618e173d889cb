//! `tenant purge`: identity checked → point of no return → database dropped, absence proved → role
//! and credential gone → `purged`.
//!
//! The slug stays taken until absence is proved: the next tenant of that name must never inherit
//! another tenant's database.

use std::time::{Duration, Instant};

use super::delete::{self, DeleteRequest};
use super::error::TenantError;
use super::life_plan::{LifePlan, titles};
use super::operation::{Held, Opening, find, never_stamped, reread, stopped};
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::{Act, Actor, Consent, Interrupt, Patience, Tenant, TenantRef, TenantStatus};
use crate::services::home::{World, destroying_title};
use crate::services::saga::{Halt, Journal, Made, Run, SagaStep, StepEvent, StepReport};

/// A deleted tenant to be destroyed.
#[derive(Debug)]
pub(crate) struct PurgeRequest {
    /// The operator's consent to destroying this very tenant.
    pub consent: Consent,
    /// How long to wait for locks and sessions.
    pub patience: Patience,
    pub actor: Actor,
}

/// A tenant that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PurgeReport {
    /// The tombstone.
    pub tenant: Tenant,
    /// Whether it had been purged before.
    pub was_purged: bool,
    pub steps: Vec<StepReport>,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Check,
    Commit,
    Drop,
    Role,
    Tombstone,
}

pub(super) const STEPS: [Step; 5] =
    [Step::Check, Step::Commit, Step::Drop, Step::Role, Step::Tombstone];

impl SagaStep for Step {
    fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Commit => "commit",
            Self::Drop => "drop",
            Self::Role => "role",
            Self::Tombstone => "tombstone",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Check => "Check whose database it is",
            Self::Commit => "Pass the point of no return",
            Self::Drop => "Drop the database",
            Self::Role => "Drop the login",
            Self::Tombstone => "Record that it is gone",
        }
    }
}

/// Returns the tenant as it is and what purging it would do; nothing is changed.
///
/// # Errors
/// When there is no such tenant, or it is not deleted.
pub(crate) async fn plan(plane: &ControlPlane, named: &TenantRef) -> Result<LifePlan, TenantError> {
    let tenant = find(plane, named).await?;
    check(&tenant)?;
    Ok(LifePlan { tenant, status: TenantStatus::Purged, steps: titles(&STEPS) })
}

/// Returns the tenant as it is and what deleting and purging it in one go would do, or what is left
/// of that; nothing is changed.
///
/// # Errors
/// When no tenant ever had the slug, or it is protected or quarantined.
pub(crate) async fn plan_destroy(
    plane: &ControlPlane,
    named: &TenantRef,
) -> Result<LifePlan, TenantError> {
    let tenant = find_any(plane, named).await?;
    let mut steps = Vec::new();
    if !is_past_delete(&tenant) {
        steps = delete::plan(plane, named).await?.steps;
    }
    if tenant.status != TenantStatus::Purged {
        steps.extend(titles(&STEPS));
    }
    Ok(LifePlan { tenant, status: TenantStatus::Purged, steps })
}

/// Deletes and purges a tenant in one go, or continues where that stopped.
///
/// # Errors
/// As deleting and purging have.
pub(crate) async fn destroy(
    world: &World,
    request: &DeleteRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<PurgeReport, TenantError> {
    let named = request.consent.tenant();
    let found = control_plane::find_any(&mut *world.plane.session().await?, named).await?;
    if !found.is_some_and(|tenant| is_past_delete(&tenant)) {
        delete::run(world, request, interrupt, on_event).await?;
    }
    let request = PurgeRequest {
        consent: request.consent.clone(),
        patience: request.patience,
        actor: request.actor.clone(),
    };
    run(world, &request, interrupt, on_event).await
}

async fn find_any(plane: &ControlPlane, named: &TenantRef) -> Result<Tenant, TenantError> {
    let found = control_plane::find_any(&mut *plane.session().await?, named).await?;
    found.ok_or_else(|| TenantError::NotFound(named.to_string()))
}

/// Returns whether deleting lies behind a tenant for good: only purging is left.
fn is_past_delete(tenant: &Tenant) -> bool {
    matches!(tenant.status, TenantStatus::Purging | TenantStatus::Purged)
}

/// Destroys a deleted tenant, or finishes what an earlier run began.
///
/// # Errors
/// When it is not deleted, its database is not provably its own, another process works on it, or a
/// step fails; access stays cut.
pub(crate) async fn run(
    world: &World,
    request: &PurgeRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<PurgeReport, TenantError> {
    let started = Instant::now();
    let deadline = request.patience.until();
    let tenant = find_any(&world.plane, request.consent.tenant()).await?;
    if tenant.status == TenantStatus::Purged {
        let elapsed = started.elapsed();
        return Ok(PurgeReport { tenant, was_purged: true, steps: Vec::new(), elapsed });
    }
    let mut held = Held::take(&world.plane, &tenant, Act::Purge, deadline).await?;
    check(&held.tenant)?;
    let never_stamped = never_stamped(&mut held).await?;
    if !never_stamped {
        held.settle_quarantine(world, Act::Purge, deadline).await?;
    }
    let tenant = held.tenant.clone();
    let opening = Opening {
        act: Act::Purge,
        request: serde_json::json!({ "slug": tenant.slug.as_str(), "backup": null }),
        first_step: Step::Check.word(),
        actor: &request.actor,
    };
    let (mut journal, _) = held.open(opening).await?;
    let mut purge = Purge { world, tenant: tenant.clone(), never_stamped, deadline };
    let mut run = Run::new(&mut journal, interrupt, on_event);
    let steps = match purge.steps(&mut run).await {
        Ok(()) => run.finish(),
        Err(halt) => return Err(stopped(halt, Act::Purge, &tenant, &mut journal).await),
    };
    let tenant = reread(&mut journal, &tenant).await?;
    Ok(PurgeReport { tenant, was_purged: false, steps, elapsed: started.elapsed() })
}

fn check(tenant: &Tenant) -> Result<(), TenantError> {
    if tenant.is_protected {
        return Err(TenantError::Protected(tenant.slug.to_string()));
    }
    match tenant.status {
        TenantStatus::Deleted | TenantStatus::Purging => Ok(()),
        _ => Err(TenantError::wrong_state(Act::Purge, tenant)),
    }
}

struct Purge<'a> {
    world: &'a World,
    /// The tenant; a project that a lost answer left unrecorded is recorded on the way.
    tenant: Tenant,
    never_stamped: bool,
    deadline: tokio::time::Instant,
}

impl Purge<'_> {
    async fn steps(&mut self, run: &mut Run<'_>) -> Result<(), Halt<TenantError>> {
        run.step(Step::Check, async |journal, _| {
            let (tenant, never_stamped) = (&mut self.tenant, self.never_stamped);
            let seen = self.world.check_remains(tenant, never_stamped, journal, self.deadline);
            Ok::<_, TenantError>(Made::now((), seen.await?))
        })
        .await?;
        run.step(Step::Commit, async |journal, _| self.commit(journal).await).await?;
        let title = destroying_title(self.tenant.placement);
        run.titled(Step::Drop, title, async |journal, _| {
            let (tenant, never_stamped) = (&mut self.tenant, self.never_stamped);
            let done = self.world.destroy_remains(tenant, never_stamped, journal, self.deadline);
            Ok::<_, TenantError>(Made::now((), done.await?))
        })
        .await?;
        run.step(Step::Role, async |_, _| {
            Ok::<_, TenantError>(Made::now((), self.world.drop_login(&self.tenant).await?))
        })
        .await?;
        run.step(Step::Tombstone, async |journal, _| self.bury(journal).await).await
    }

    async fn commit(&self, journal: &mut Journal) -> Result<Made<()>, TenantError> {
        if self.tenant.status == TenantStatus::Purging {
            return Ok(Made::before((), "it was passed before"));
        }
        control_plane::set_purging(&mut journal.connection, self.tenant.id).await?;
        Ok(Made::now((), "only `purged` follows"))
    }

    async fn bury(&self, journal: &mut Journal) -> Result<Made<()>, TenantError> {
        let mut ending = journal.ending("record that the tenant is purged").await?;
        control_plane::set_purged(ending.connection(), self.tenant.id).await?;
        let database = self.tenant.database.as_ref().map(ToString::to_string);
        let detail = serde_json::json!({ "database": database });
        ending.commit(Step::Tombstone.word(), "purged", detail).await?;
        Ok(Made::now((), "purged; the slug is free, the id is not"))
    }
}
