//! `tenant restore`: a deleted tenant back to the status it had; its old sessions stay dead.
//!
//! The control plane comes last: until its commit the tenant counts as deleted.

use std::time::Instant;

use super::control::{self, Opening};
use super::trail::Trail;
use super::{RestoreReport, RestoreRequest, TenantError};
use crate::adapters::cluster::{Door, GateMarks, Identity};
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane, OperationKind};
use crate::adapters::postgres::{PgError, Purpose};
use crate::model::{Interrupt, Placement, Tenant, TenantStatus};
use crate::services::place::Places;
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
    places: &Places,
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
    let mut restoration =
        Restoration { plane, places, trail: trail.clone(), identity, tenant, deadline };
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
    places: &'a Places,
    trail: Trail,
    identity: Identity,
    tenant: Tenant,
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
    async fn open(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let before = self.tenant.status_before_delete;
        let Some(name) = &self.tenant.database else {
            return Ok("there is no database".to_owned());
        };
        let purpose = Purpose::query("restore");
        if self.tenant.placement == Placement::Project && self.tenant.host.is_none() {
            return Ok("its creation had not come to a login".to_owned());
        }
        let at = (self.places, self.plane);
        let (cluster, mut operator) =
            control::act_at_home(at, &self.tenant, purpose, journal, self.deadline).await?;
        let found = cluster.look(&mut operator, name).await?;
        // A create that had not come far: it continues with `tenant create`.
        let is_unfinished = before == Some(TenantStatus::Provisioning) && !cluster.is_project();
        let is_bare =
            found.as_ref().is_none_or(|f| f.stamp.contradiction(&self.identity).is_some());
        if is_unfinished && is_bare {
            return Ok("its creation had not come to a database".to_owned());
        }
        let door = match before {
            Some(TenantStatus::Active) => Door::Open,
            _ => Door::OperatorOnly,
        };
        // The gate slept through what was revoked meanwhile, or through an unlock: it is told before
        // anybody may knock.
        let identity = &self.identity;
        cluster.set_door(&mut operator, name, identity, Door::OperatorOnly).await?;
        if !is_unfinished {
            let marks = control_plane::marks_of(&mut journal.connection, self.tenant.id).await?;
            let marks = GateMarks { epoch: marks.epoch, not_before: marks.not_before };
            let reason = self.tenant.lock_reason.as_deref();
            let mut database = cluster.enter(name, identity, Purpose::query("restore")).await?;
            database.check_identity().await?;
            let is_locked = before == Some(TenantStatus::Locked);
            database.set_gate(Some((is_locked, reason.filter(|_| is_locked))), marks).await?;
            database.close().await;
        }
        if door == Door::Open {
            cluster.set_door(&mut operator, name, identity, door).await?;
        }
        Ok(match door {
            Door::Open => format!("{name} open to its application"),
            _ => format!("{name} open to the operator"),
        })
    }

    async fn mark(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let status = self.tenant.status_before_delete.unwrap_or(TenantStatus::Active);
        let doing = || PgError::doing("restore the tenant");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        control_plane::set_restored(&mut transaction, self.tenant.id).await?;
        let finished = (Step::Mark.word(), status.word());
        control_plane::finish(&mut transaction, &journal.lease, Some(finished)).await?;
        let detail = serde_json::json!({ "status": status.word() });
        self.trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
        transaction.commit().await.map_err(doing())?;
        Ok(format!("{status} again, sessions from before stay revoked"))
    }
}
