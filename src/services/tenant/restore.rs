//! `tenant restore`: a deleted tenant back to the status it had; its old sessions stay dead.
//!
//! The control plane comes last: until its commit the tenant counts as deleted.

use std::time::Instant;

use super::operation::hold::{self as control, Opening};
use super::trail::Trail;
use super::{RestoreReport, RestoreRequest, TenantError};
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane, OperationKind};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::{Door, Identity};
use crate::model::{Interrupt, Placement, Tenant, TenantStatus};
use crate::services::home::Homes;
use crate::services::saga::{Journal, Look, Saga, SagaStep, StepEvent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Open,
    Mark,
}

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

/// Brings a deleted tenant back, or finishes what an earlier run began.
///
/// # Errors
/// When it is past the point of no return, somebody else works on it, or a step fails.
pub async fn run(
    plane: &ControlPlane,
    places: &Homes,
    request: &RestoreRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<RestoreReport, TenantError> {
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + request.patience;
    let tenant = match control::find(plane, &request.slug).await {
        Ok(tenant) => tenant,
        Err(error) => return Err(gone(plane, request, error).await?),
    };
    let (mut connection, tenant) = control::take(plane, &tenant, "restore", deadline).await?;
    control::settle_quarantine(&mut connection, (places, plane), &tenant, "restore", deadline)
        .await?;
    match tenant.status {
        TenantStatus::Deleted => {}
        TenantStatus::Purging | TenantStatus::Purged => return Err(wrong_state(&tenant)),
        _ => {
            let elapsed = started.elapsed();
            return Ok(RestoreReport { tenant, was_there: true, steps: Vec::new(), elapsed });
        }
    }
    let opening = Opening {
        kind: OperationKind::Restore,
        action: "tenant.restore",
        request: serde_json::json!({ "slug": tenant.slug.as_str() }),
        first_step: Step::Open.word(),
        actor: &request.actor,
    };
    let (journal, trail, _) = control::open(connection, &tenant, opening).await?;
    let identity = Identity::of(&tenant, plane.id());
    let mut restoration = Restoration {
        plane,
        places,
        trail: trail.clone(),
        identity,
        tenant,
        is_marked: false,
        deadline,
    };
    let under = (journal, &trail);
    let (tenant, steps) =
        control::carry_out(&mut restoration, "restore", under, interrupt, on_event).await?;
    Ok(RestoreReport { tenant, was_there: false, steps, elapsed: started.elapsed() })
}

/// A purged tenant is a clearer answer than "there is none".
async fn gone(
    plane: &ControlPlane,
    request: &RestoreRequest,
    error: TenantError,
) -> Result<TenantError, TenantError> {
    let found = control_plane::find_any(&mut *plane.session().await?, &request.slug).await?;
    Ok(found.map_or(error, |tenant| wrong_state(&tenant)))
}

fn wrong_state(tenant: &Tenant) -> TenantError {
    TenantError::WrongState {
        wanted: "restore",
        slug: tenant.slug.to_string(),
        status: tenant.status.word(),
    }
}

struct Restoration<'a> {
    plane: &'a ControlPlane,
    places: &'a Homes,
    trail: Trail,
    identity: Identity,
    tenant: Tenant,
    /// Whether the operation is over and its lease with it; its lock is held still.
    is_marked: bool,
    deadline: tokio::time::Instant,
}

impl Saga for Restoration<'_> {
    type Step = Step;
    type Error = TenantError;

    fn steps(&self) -> Vec<Step> {
        vec![Step::Open, Step::Mark]
    }

    async fn look(&mut self, _step: Step) -> Result<Look, TenantError> {
        Ok(Look::Needed)
    }

    async fn act(
        &mut self,
        step: Step,
        _attempt: i32,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        match step {
            Step::Open => self.open(journal).await,
            Step::Mark => self.mark(journal).await,
        }
    }
}

impl Restoration<'_> {
    /// Opens the database as far as the record says, and looks at the record again afterwards: a
    /// lockdown or an unlock that committed meanwhile has looked at what was here before.
    async fn open(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        loop {
            let opened = self.open_as_recorded(journal).await?;
            if !self.look_again(journal).await? {
                return Ok(opened);
            }
        }
    }

    /// Reads the tenant anew; returns whether it was locked or unlocked since.
    async fn look_again(&mut self, journal: &mut Journal) -> Result<bool, TenantError> {
        let now = control_plane::find_by_id(&mut journal.connection, self.tenant.id).await?;
        let now = now.ok_or_else(|| TenantError::NotFound(self.tenant.slug.to_string()))?;
        let has_changed = status_of(&now) != status_of(&self.tenant)
            || now.locked_at.is_some() != self.tenant.locked_at.is_some();
        self.tenant = now;
        Ok(has_changed)
    }

    async fn open_as_recorded(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let status = status_of(&self.tenant);
        let Some(name) = &self.tenant.database else {
            return Ok("there is no database".to_owned());
        };
        let purpose = Purpose::query("restore");
        if self.tenant.placement == Placement::Project && self.tenant.host.is_none() {
            return Ok("its creation had not come to a login".to_owned());
        }
        let (cluster, mut operator) =
            self.places.operator(self.plane, &self.tenant, purpose, self.deadline).await?;
        cluster.lock(&mut operator, &self.identity, self.deadline).await?;
        if !self.is_marked {
            control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
        }
        let found = cluster.look(&mut operator, name).await?;
        // A create that had not come far: it continues with `tenant create`.
        let is_unfinished = status == TenantStatus::Provisioning && !cluster.is_project();
        let is_bare =
            found.as_ref().is_none_or(|f| f.stamp.contradiction(&self.identity).is_some());
        if is_unfinished && is_bare {
            return Ok("its creation had not come to a database".to_owned());
        }
        let is_locked = self.tenant.locked_at.is_some();
        let is_open = status == TenantStatus::Active && !is_locked;
        // The gate slept through what was revoked meanwhile, or through an unlock: it is told before
        // anybody may knock.
        let identity = &self.identity;
        cluster.set_door(&mut operator, name, identity, Door::OperatorOnly).await?;
        if !is_unfinished {
            let marks = control_plane::marks_of(&mut journal.connection, self.tenant.id).await?;
            let reason = self.tenant.lock_reason.as_deref().filter(|_| is_locked);
            let mut database = cluster.enter(name, identity, Purpose::query("restore")).await?;
            database.check_identity().await?;
            database.set_gate(Some((is_locked, reason)), control::gate_marks(marks)).await?;
            database.close().await;
        }
        if is_open {
            cluster.set_door(&mut operator, name, identity, Door::Open).await?;
            return Ok("open to its application".to_owned());
        }
        // Who came in while it was open for a moment.
        cluster.end_login_sessions(&mut operator, name, self.deadline).await?;
        Ok(format!("{name} open to the operator"))
    }

    async fn mark(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let doing = || PgError::doing("restore the tenant");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        control_plane::set_restored(&mut transaction, self.tenant.id).await?;
        let restored = control_plane::find_by_id(&mut transaction, self.tenant.id).await?;
        let status = restored.as_ref().map_or(status_of(&self.tenant), status_of);
        let finished = (Step::Mark.word(), status.word());
        control_plane::finish(&mut transaction, &journal.lease, Some(finished)).await?;
        let detail = serde_json::json!({ "status": status.word() });
        self.trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
        transaction.commit().await.map_err(doing())?;
        self.is_marked = true;
        // An unlock leaves a deleted tenant's door to us, up to this commit.
        if self.look_again(journal).await? {
            Box::pin(self.open(journal)).await?;
        }
        Ok(format!("{status} again, sessions from before stay revoked"))
    }
}

/// Returns the status a tenant has, or a deleted one had.
fn status_of(tenant: &Tenant) -> TenantStatus {
    tenant.status_before_delete.unwrap_or(tenant.status)
}
