//! `tenant restore`: a deleted tenant back to the status it had; its old sessions stay dead.
//!
//! The control plane comes last: until its commit the tenant counts as deleted.

use std::time::{Duration, Instant};

use super::error::TenantError;
use super::life_plan::{LifePlan, titles};
use super::operation::{Held, Opening, commit_unless_locked, find, reread, stopped};
use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Access, GateLock, Pending, ShutNote};
use crate::model::{
    Act, Actor, Interrupt, Patience, Tenant, TenantRef, TenantStatus, escape_controls, instant,
};
use crate::services::home::{World, missing_part};
use crate::services::saga::{Halt, Journal, Made, Run, SagaStep, StepEvent, StepReport};

/// A deleted tenant to be brought back.
#[derive(Debug)]
pub(crate) struct RestoreRequest {
    pub tenant: TenantRef,
    /// How long to wait for locks.
    pub patience: Patience,
    pub actor: Actor,
}

/// A tenant that is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestoreReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// Whether it was not deleted, so that there was nothing to do.
    pub was_there: bool,
    pub steps: Vec<StepReport>,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Open,
    Mark,
}

pub(super) const STEPS: [Step; 2] = [Step::Open, Step::Mark];

impl SagaStep for Step {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mark => "mark",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Open => "Open the database",
            Self::Mark => "Bring the status back",
        }
    }
}

/// Returns the tenant as it is and what restoring it would do; nothing is changed.
///
/// # Errors
/// When there is no such tenant, or it is past the point of no return.
pub(crate) async fn plan(plane: &ControlPlane, named: &TenantRef) -> Result<LifePlan, TenantError> {
    let tenant = find_deleted(plane, named).await?;
    let is_deleted = check(&tenant)?;
    let steps = if is_deleted { titles(&STEPS) } else { Vec::new() };
    Ok(LifePlan { status: status_before(&tenant), tenant, steps })
}

/// Brings a deleted tenant back, or finishes what an earlier run began.
///
/// # Errors
/// When it is past the point of no return, another process works on it, or a step fails.
pub(crate) async fn run(
    world: &World,
    request: &RestoreRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<RestoreReport, TenantError> {
    let started = Instant::now();
    let deadline = request.patience.until();
    let tenant = find_deleted(&world.plane, &request.tenant).await?;
    let mut held = Held::take(&world.plane, &tenant, Act::Restore, deadline).await?;
    held.settle_quarantine(world, Act::Restore, deadline).await?;
    let tenant = held.tenant.clone();
    if !check(&tenant)? {
        let elapsed = started.elapsed();
        return Ok(RestoreReport { tenant, was_there: true, steps: Vec::new(), elapsed });
    }
    let opening = Opening {
        act: Act::Restore,
        request: serde_json::json!({ "slug": tenant.slug.as_str() }),
        first_step: Step::Open.word(),
        actor: &request.actor,
    };
    let (mut journal, _) = held.open(opening).await?;
    let mut restoration = Restoration { world, tenant: tenant.clone(), is_marked: false, deadline };
    let mut run = Run::new(&mut journal, interrupt, on_event);
    let steps = match restoration.steps(&mut run).await {
        Ok(()) => run.finish(),
        Err(halt) => return Err(stopped(halt, Act::Restore, &tenant, &mut journal).await),
    };
    let tenant = reread(&mut journal, &tenant).await?;
    Ok(RestoreReport { tenant, was_there: false, steps, elapsed: started.elapsed() })
}

/// Finds the tenant; a purged one where no tenant has the slug now, since "it is purged" is a
/// clearer answer than "there is none".
async fn find_deleted(plane: &ControlPlane, named: &TenantRef) -> Result<Tenant, TenantError> {
    match find(plane, named).await {
        Err(error @ TenantError::NotFound(_)) => {
            let found = control_plane::find_any(&mut *plane.session().await?, named).await?;
            found.ok_or(error)
        }
        found => found,
    }
}

/// Returns whether the tenant is deleted.
fn check(tenant: &Tenant) -> Result<bool, TenantError> {
    match tenant.status {
        TenantStatus::Deleted => Ok(true),
        TenantStatus::Purging | TenantStatus::Purged => {
            Err(TenantError::wrong_state(Act::Restore, tenant))
        }
        _ => Ok(false),
    }
}

struct Restoration<'a> {
    world: &'a World,
    tenant: Tenant,
    /// Whether the operation is over and its lease with it; its lock is still held.
    is_marked: bool,
    deadline: tokio::time::Instant,
}

impl Restoration<'_> {
    async fn steps(&mut self, run: &mut Run<'_>) -> Result<(), Halt<TenantError>> {
        run.step(Step::Open, async |journal, _| {
            let opened = self.open(journal).await?;
            Ok::<_, TenantError>(Made::now((), opened))
        })
        .await?;
        run.step(Step::Mark, async |journal, _| self.mark(journal).await).await
    }

    /// Opens the database as far as the record says, and looks at the record again afterwards: a
    /// lockdown or an unlock that committed meanwhile has looked at what was here before.
    async fn open(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        loop {
            let opened = self.open_as_recorded(journal).await?;
            if !self.has_changed(journal).await? {
                return Ok(opened);
            }
        }
    }

    /// Reads the tenant again; returns whether it was locked or unlocked since.
    async fn has_changed(&mut self, journal: &mut Journal) -> Result<bool, TenantError> {
        let now = reread(journal, &self.tenant).await?;
        let has_changed = status_before(&now) != status_before(&self.tenant)
            || now.is_locked() != self.tenant.is_locked();
        self.tenant = now;
        Ok(has_changed)
    }

    async fn open_as_recorded(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        if let Some(part) = missing_part(&self.tenant) {
            return Ok(format!("its creation ended before it had a {part}"));
        }
        let purpose = Purpose::query(Act::Restore.word());
        let (home, mut operator) =
            self.world.operator(&self.tenant, purpose, self.deadline).await?;
        home.lock(&mut journal.connection, &mut operator, self.deadline).await?;
        if !self.is_marked {
            journal.check_lease().await?;
        }
        let status = status_before(&self.tenant);
        let found = home.look(&mut operator).await?;
        // A create that ended before it registered an address: it continues with `tenant create`.
        let is_unfinished = status == TenantStatus::Provisioning && self.tenant.host.is_none();
        let is_unstamped = found.is_none_or(|found| home.contradiction(&found).is_some());
        if is_unfinished && is_unstamped {
            return Ok("its creation ended before it had a database".to_owned());
        }
        let mut is_locked = self.tenant.is_locked();
        // Whoever shut it without the control plane did so for a reason that is not over by this.
        let shut = home.shut_note(&mut operator).await?;
        let mut note = "";
        // The gate missed what was revoked meanwhile, or an unlock: it gets the marks before the
        // application may connect.
        home.shut(&mut operator, Access::OperatorOnly).await?;
        if !is_unfinished {
            let marks = control_plane::marks_of(&mut journal.connection, self.tenant.id).await?;
            let mut database = home.enter(Purpose::query(Act::Restore.word())).await?;
            database.check_identity().await?;
            if is_locked || shut.is_some() {
                let reason = self.tenant.lock.as_ref().map(|lock| lock.reason.as_str());
                let reason = reason.or(shut.as_ref().map(|note| note.reason.as_str()));
                let lock = GateLock::Locked(reason);
                database.turn_gate(lock, marks).await?.commit().await?;
            } else {
                let connection = &mut journal.connection;
                let removed = control_plane::removed_users(connection, self.tenant.id).await?;
                let lock = GateLock::Open { removed: &removed };
                let opening = database.turn_gate(lock, marks).await?;
                is_locked = self.commit(opening, journal).await?;
            }
            database.close().await;
            let world = self.world;
            if world.record_where(&self.tenant, &home, &mut operator, journal).await? {
                note = "; its address is recorded anew";
            }
        }
        if let Some(ShutNote { since, by, .. }) = &shut {
            home.end_login_sessions(&mut operator, self.deadline).await?;
            let (since, by, slug) = (instant(*since), escape_controls(by), &self.tenant.slug);
            return Ok(format!(
                "stays shut, as {by} left it without the control plane at {since}: `tenantctl unlock \
                 {slug}` opens it{note}"
            ));
        }
        if status == TenantStatus::Active && !is_locked {
            if let Some(opening) = home.let_login(&mut operator, true).await? {
                is_locked = self.commit(opening, journal).await?;
            }
            // Shut meanwhile: the note is written before the login is shut, and read after it was opened.
            if home.shut_note(&mut operator).await?.is_some() {
                return Box::pin(self.open_as_recorded(journal)).await;
            }
            if !is_locked {
                return Ok(format!("open to its application{note}"));
            }
        }
        // Sessions that began while it was open for a moment.
        home.end_login_sessions(&mut operator, self.deadline).await?;
        Ok(format!("{} open to the operator{note}", home.name()))
    }

    /// Commits what opens, and returns whether a lockdown came before it.
    async fn commit(
        &self,
        opening: Pending<'_>,
        journal: &mut Journal,
    ) -> Result<bool, TenantError> {
        let locked = commit_unless_locked(opening, &mut journal.connection, &self.tenant).await?;
        Ok(locked.is_some())
    }

    async fn mark(&mut self, journal: &mut Journal) -> Result<Made<()>, TenantError> {
        // Read again after the update, in its transaction: an unlock may have changed the status that
        // it comes back to.
        let mut ending = journal.ending("restore the tenant").await?;
        control_plane::set_restored(ending.connection(), self.tenant.id).await?;
        let restored = control_plane::find_by_id(ending.connection(), self.tenant.id).await?;
        let status = status_before(restored.as_ref().unwrap_or(&self.tenant));
        let detail = serde_json::json!({ "status": status.word() });
        ending.commit(Step::Mark.word(), status.word(), detail).await?;
        self.is_marked = true;
        // An unlock leaves a deleted tenant's access to us, up to this commit.
        if self.has_changed(journal).await? {
            Box::pin(self.open(journal)).await?;
        }
        Ok(Made::now((), format!("{status} again, sessions from before stay revoked")))
    }
}

/// Returns the status a tenant has, or a deleted one had.
fn status_before(tenant: &Tenant) -> TenantStatus {
    tenant.status_before_delete.unwrap_or(tenant.status)
}
