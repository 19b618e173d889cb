//! `tenant delete`: confirm → `deleted` in one commit, sessions dead with it → connections closed.
//!
//! Everything stays where it is for the grace; `tenant restore` undoes it.

use std::time::{Duration, Instant};

use super::error::TenantError;
use super::life_plan::{LifePlan, titles};
use super::operation::{Held, Opening, find, never_stamped, reread, stopped};
use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Access, GateLock, Home, ServerError};
use crate::model::{
    Act, Actor, Consent, Interrupt, Patience, Tenant, TenantRef, TenantStatus, instant,
};
use crate::services::home::{World, missing_part};
use crate::services::saga::{Halt, Journal, Made, Run, SagaStep, StepEvent, StepReport};

/// A tenant to be cut off.
#[derive(Debug)]
pub(crate) struct DeleteRequest {
    /// The operator's consent to deleting this very tenant.
    pub consent: Consent,
    /// How long everything is kept.
    pub grace: Duration,
    /// How long to wait for locks and sessions.
    pub patience: Patience,
    pub actor: Actor,
}

/// A tenant that is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeleteReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// Whether it had been deleted before and nothing was left to do.
    pub was_deleted: bool,
    pub steps: Vec<StepReport>,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Mark,
    Close,
}

pub(super) const STEPS: [Step; 2] = [Step::Mark, Step::Close];

impl SagaStep for Step {
    fn word(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Close => "close",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Mark => "Mark it deleted",
            Self::Close => "Close the database",
        }
    }
}

/// Returns the tenant as it is and what deleting it would do; nothing is changed.
///
/// # Errors
/// When there is no such tenant, it is protected, or in no state to be deleted.
pub(crate) async fn plan(plane: &ControlPlane, named: &TenantRef) -> Result<LifePlan, TenantError> {
    let tenant = find(plane, named).await?;
    check(&tenant)?;
    Ok(LifePlan { tenant, status: TenantStatus::Deleted, steps: titles(&STEPS) })
}

/// Cuts a tenant off, or finishes what an earlier run began.
///
/// # Errors
/// When it is protected or in no state to be deleted, another process works on it, or a step fails.
pub(crate) async fn run(
    world: &World,
    request: &DeleteRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<DeleteReport, TenantError> {
    let started = Instant::now();
    let deadline = request.patience.until();
    let tenant = find(&world.plane, request.consent.tenant()).await?;
    let mut held = Held::take(&world.plane, &tenant, Act::Delete, deadline).await?;
    check(&held.tenant)?;
    let never_stamped = never_stamped(&mut held).await?;
    if !never_stamped {
        held.settle_quarantine(world, Act::Delete, deadline).await?;
    }
    let open = control_plane::open_operation(&mut held.connection, tenant.id).await?;
    let is_unfinished = open.is_some_and(|operation| operation.kind == Act::Delete);
    let tenant = held.tenant.clone();
    if tenant.status == TenantStatus::Deleted && !is_unfinished {
        let elapsed = started.elapsed();
        return Ok(DeleteReport { tenant, was_deleted: true, steps: Vec::new(), elapsed });
    }
    let opening = Opening {
        act: Act::Delete,
        request: serde_json::json!({
            "slug": tenant.slug.as_str(),
            "grace_s": request.grace.as_secs(),
        }),
        first_step: Step::Mark.word(),
        actor: &request.actor,
    };
    let (mut journal, _) = held.open(opening).await?;
    let deletion = Deletion { world, request, tenant: &tenant, never_stamped, deadline };
    let mut run = Run::new(&mut journal, interrupt, on_event);
    let steps = match deletion.steps(&mut run).await {
        Ok(()) => run.finish(),
        Err(halt) => return Err(stopped(halt, Act::Delete, &tenant, &mut journal).await),
    };
    let tenant = reread(&mut journal, &tenant).await?;
    Ok(DeleteReport { tenant, was_deleted: false, steps, elapsed: started.elapsed() })
}

fn check(tenant: &Tenant) -> Result<(), TenantError> {
    if tenant.is_protected {
        return Err(TenantError::Protected(tenant.slug.to_string()));
    }
    match tenant.status {
        TenantStatus::Purging | TenantStatus::Purged => {
            Err(TenantError::wrong_state(Act::Delete, tenant))
        }
        _ => Ok(()),
    }
}

struct Deletion<'a> {
    world: &'a World,
    request: &'a DeleteRequest,
    tenant: &'a Tenant,
    never_stamped: bool,
    deadline: tokio::time::Instant,
}

impl Deletion<'_> {
    async fn steps(&self, run: &mut Run<'_>) -> Result<(), Halt<TenantError>> {
        run.step(Step::Mark, async |journal, _| self.mark(journal).await).await?;
        run.step(Step::Close, async |journal, _| self.close(journal).await).await
    }

    async fn mark(&self, journal: &mut Journal) -> Result<Made<()>, TenantError> {
        if let (TenantStatus::Deleted, Some(at)) = (self.tenant.status, self.tenant.purge_after) {
            return Ok(Made::before((), format!("kept until {}", instant(at))));
        }
        let grace = i64::try_from(self.request.grace.as_secs()).unwrap_or(i64::MAX);
        let (connection, actor) = (&mut journal.connection, &self.request.actor);
        let until = control_plane::set_deleted(connection, self.tenant.id, grace, actor).await?;
        Ok(Made::now((), format!("sessions revoked, kept until {}", instant(until))))
    }

    async fn close(&self, journal: &mut Journal) -> Result<Made<()>, TenantError> {
        let closed = match missing_part(self.tenant) {
            Some(part) => format!("there was no {part} yet"),
            None => match self.close_home(journal).await {
                // Nothing is left that could be closed.
                Err(error) if error.is_gone() => {
                    self.world.prove_gone(self.tenant, self.deadline).await?
                }
                closed => closed?,
            },
        };
        let ending = journal.ending("record the deletion").await?;
        let detail = serde_json::json!({ "database": closed });
        ending.commit(Step::Close.word(), &closed, detail).await?;
        Ok(Made::now((), closed))
    }

    /// Lets no role connect any more and ends the sessions that are open.
    async fn close_home(&self, journal: &mut Journal) -> Result<String, TenantError> {
        let purpose = Purpose::query(Act::Delete.word());
        let (home, mut operator) = self.world.operator(self.tenant, purpose, self.deadline).await?;
        home.lock(&mut journal.connection, &mut operator, self.deadline).await?;
        journal.check_lease().await?;
        self.world.check_recorded_server(self.tenant, &mut operator).await?;
        let Some(found) = home.look(&mut operator).await? else {
            return Ok("there was no database".to_owned());
        };
        let is_stamped = home.contradiction(&found).is_none();
        if self.never_stamped && !is_stamped {
            return Ok(format!("{} was never adopted, and is left as it was", home.name()));
        }
        // What a create left behind before it could stamp it is closed from its first moment.
        if found.allows_connections || is_stamped {
            // What the login prepared can be ended only while we get in.
            if found.allows_connections {
                home.shut(&mut operator, Access::OperatorOnly).await?;
                home.end_login_sessions(&mut operator, self.deadline).await?;
                home.clear_leftovers(&mut operator).await?;
                if is_stamped {
                    self.lock_gate(&home, journal).await?;
                }
            }
            home.shut(&mut operator, Access::Closed).await?;
        }
        home.end_sessions(&mut operator, self.deadline).await?;
        Ok(format!("{} closed, no session left", home.what_closes()))
    }

    /// Locks the gate, so that `restore` opens a database that lets nobody through before it decides;
    /// a project's stays open to Supabase's own services all the time.
    async fn lock_gate(&self, home: &Home, journal: &mut Journal) -> Result<(), TenantError> {
        let marks = control_plane::marks_of(&mut journal.connection, self.tenant.id).await?;
        let locked = async {
            let mut database = home.enter(Purpose::query(Act::Delete.word())).await?;
            database.check_identity().await?;
            let lock = GateLock::Locked(Some("deleted"));
            database.turn_gate(lock, marks).await?.commit().await?;
            database.close().await;
            Ok(())
        };
        match locked.await {
            // A creation that ended before it, or a gate that somebody broke: the database is closed
            // all the same.
            Err(ServerError::Contradicted { .. } | ServerError::Gate(_)) => Ok(()),
            locked => Ok(locked?),
        }
    }
}
