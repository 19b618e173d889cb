//! `tenant delete`: confirm → `deleted` in one commit, sessions dead with it → connections closed.
//!
//! Everything stays where it is for the grace; `tenant restore` undoes it.

use std::time::Instant;

use super::operation::hold::{self as control, Opening};
use super::trail::Trail;
use super::{DeleteReport, DeleteRequest, LifePlan, TenantError};
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane, OperationKind};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::{Door, Identity};
use crate::model::{DatabaseName, Interrupt, Placement, Slug, Tenant, TenantStatus, instant};
use crate::services::home::Homes;
use crate::services::saga::{Journal, Look, Saga, SagaStep, StepEvent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Mark,
    Close,
}

const STEPS: [Step; 2] = [Step::Mark, Step::Close];

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
pub async fn plan(plane: &ControlPlane, slug: &Slug) -> Result<LifePlan, TenantError> {
    let tenant = control::find(plane, slug).await?;
    check(&tenant)?;
    let steps = STEPS.map(|step| (step.word(), step.title())).to_vec();
    Ok(LifePlan { tenant, status: TenantStatus::Deleted, steps })
}

/// Cuts a tenant off, or finishes what an earlier run began.
///
/// # Errors
/// When it is protected or in no state to be deleted, somebody else works on it, or a step fails.
pub async fn run(
    plane: &ControlPlane,
    places: &Homes,
    request: &DeleteRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<DeleteReport, TenantError> {
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + request.patience;
    let tenant = control::find(plane, request.consent.slug()).await?;
    let (mut connection, tenant) = control::take(plane, &tenant, "delete", deadline).await?;
    check(&tenant)?;
    let is_bare = control::settle_adoption(&mut connection, &tenant).await?;
    if !is_bare {
        control::settle_quarantine(&mut connection, (places, plane), &tenant, "delete", deadline)
            .await?;
    }
    let open = control_plane::open_operation(&mut connection, tenant.id).await?;
    let is_unfinished = open.is_some_and(|op| op.kind == OperationKind::Delete.word());
    if tenant.status == TenantStatus::Deleted && !is_unfinished {
        let elapsed = started.elapsed();
        return Ok(DeleteReport { tenant, was_deleted: true, steps: Vec::new(), elapsed });
    }
    let opening = Opening {
        kind: OperationKind::Delete,
        action: "tenant.delete",
        request: serde_json::json!({
            "slug": tenant.slug.as_str(),
            "grace_s": request.grace.as_secs(),
        }),
        first_step: Step::Mark.word(),
        actor: &request.actor,
    };
    let (journal, trail, _) = control::open(connection, &tenant, opening).await?;
    let mut deletion = Deletion {
        plane,
        places,
        request,
        trail: trail.clone(),
        identity: Identity::of(&tenant, plane.id()),
        tenant,
        is_bare,
        deadline,
    };
    let under = (journal, &trail);
    let (tenant, steps) =
        control::carry_out(&mut deletion, "delete", under, interrupt, on_event).await?;
    Ok(DeleteReport { tenant, was_deleted: false, steps, elapsed: started.elapsed() })
}

fn check(tenant: &Tenant) -> Result<(), TenantError> {
    if tenant.is_protected {
        return Err(TenantError::Protected(tenant.slug.to_string()));
    }
    match tenant.status {
        TenantStatus::Purging | TenantStatus::Purged => Err(TenantError::WrongState {
            wanted: "delete",
            slug: tenant.slug.to_string(),
            status: tenant.status.word(),
        }),
        _ => Ok(()),
    }
}

struct Deletion<'a> {
    plane: &'a ControlPlane,
    places: &'a Homes,
    request: &'a DeleteRequest,
    trail: Trail,
    identity: Identity,
    tenant: Tenant,
    is_bare: bool,
    deadline: tokio::time::Instant,
}

impl Saga for Deletion<'_> {
    type Step = Step;
    type Error = TenantError;

    fn steps(&self) -> Vec<Step> {
        STEPS.to_vec()
    }

    async fn look(&mut self, step: Step) -> Result<Look, TenantError> {
        Ok(match (step, self.tenant.purge_after) {
            (Step::Mark, Some(at)) if self.tenant.status == TenantStatus::Deleted => {
                Look::Done(format!("kept until {}", instant(at)))
            }
            _ => Look::Needed,
        })
    }

    async fn act(
        &mut self,
        step: Step,
        _attempt: i32,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        match step {
            Step::Mark => {
                let grace = i64::try_from(self.request.grace.as_secs()).unwrap_or(i64::MAX);
                let connection = &mut journal.connection;
                let until = control_plane::set_deleted(
                    connection,
                    self.tenant.id,
                    grace,
                    &self.request.actor,
                )
                .await?;
                Ok(format!("sessions revoked, kept until {}", instant(until)))
            }
            Step::Close => self.close(journal).await,
        }
    }
}

impl Deletion<'_> {
    async fn close(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let closed = match &self.tenant.database {
            None => "there was no database".to_owned(),
            // Its creation had not come to a login.
            Some(_)
                if self.tenant.placement == Placement::Project && self.tenant.host.is_none() =>
            {
                "there was no login yet".to_owned()
            }
            Some(name) => self.close_door(name, journal).await?,
        };
        let doing = || PgError::doing("record the deletion");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        let finished = (Step::Close.word(), closed.as_str());
        control_plane::finish(&mut transaction, &journal.lease, Some(finished)).await?;
        let detail = serde_json::json!({ "database": closed });
        self.trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
        transaction.commit().await.map_err(doing())?;
        Ok(closed)
    }

    /// Lets nobody in and ends who is in.
    async fn close_door(
        &self,
        name: &DatabaseName,
        journal: &mut Journal,
    ) -> Result<String, TenantError> {
        let Self { places, plane, tenant, identity, deadline, .. } = self;
        let purpose = Purpose::query("delete");
        let at = (*places, *plane);
        let (cluster, mut operator) =
            control::act_at_home(at, tenant, purpose, journal, *deadline).await?;
        let Some(found) = cluster.look(&mut operator, name).await? else {
            return Ok("there was no database".to_owned());
        };
        if self.is_bare && found.stamp.contradiction(identity).is_some() {
            return Ok(format!("{name} was not taken in, and is left as it was"));
        }
        // What a create left behind before it could stamp it is closed from its first moment.
        if found.is_open || found.stamp.contradiction(identity).is_none() {
            cluster.set_door(&mut operator, name, identity, Door::Closed).await?;
        }
        cluster.end_sessions(&mut operator, name, *deadline).await?;
        Ok(if cluster.is_project() {
            format!("login {} closed, no session left", name.login())
        } else {
            format!("{name} closed, no session left")
        })
    }
}
