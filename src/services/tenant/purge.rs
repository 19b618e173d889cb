//! `tenant purge`: identity checked → point of no return → database dropped, absence proved → role
//! and credential gone → `purged`.
//!
//! The slug stays taken until absence is proved: the next tenant of that name must never inherit a
//! stranger's database.

use std::time::Instant;

use super::create::project;
use super::operation::hold::{self as control, Opening};
use super::trail::Trail;
use super::{DeleteRequest, LifePlan, PurgeReport, PurgeRequest, TenantError, delete};
use crate::adapters::control_plane::{
    self, AuditOutcome, ControlPlane, OperationKind, TenantFilter,
};
use crate::adapters::postgres::{PgError, Purpose};
use crate::adapters::server::Identity;
use crate::model::{Interrupt, Placement, Slug, Tenant, TenantStatus};
use crate::services::home::Homes;
use crate::services::saga::{Journal, Look, Saga, SagaStep, StepEvent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Check,
    Commit,
    Drop,
    Role,
    Tombstone,
}

const STEPS: [Step; 5] = [Step::Check, Step::Commit, Step::Drop, Step::Role, Step::Tombstone];

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
pub async fn plan(plane: &ControlPlane, slug: &Slug) -> Result<LifePlan, TenantError> {
    let tenant = control::find(plane, slug).await?;
    check(&tenant)?;
    let steps = STEPS.map(|step| (step.word(), step.title())).to_vec();
    Ok(LifePlan { tenant, status: TenantStatus::Purged, steps })
}

/// Returns the tenant as it is and what deleting and purging it in one go would do, or what is left
/// of that; nothing is changed.
///
/// # Errors
/// When nobody ever had the slug, or the tenant is protected or quarantined.
pub async fn plan_destroy(plane: &ControlPlane, slug: &Slug) -> Result<LifePlan, TenantError> {
    let found = control_plane::find_any(&mut *plane.session().await?, slug).await?;
    let tenant = found.ok_or_else(|| TenantError::NotFound(slug.to_string()))?;
    let mut steps = Vec::new();
    if !is_past_delete(&tenant) {
        steps = delete::plan(plane, slug).await?.steps;
    }
    if tenant.status != TenantStatus::Purged {
        steps.extend(STEPS.map(|step| (step.word(), step.title())));
    }
    Ok(LifePlan { tenant, status: TenantStatus::Purged, steps })
}

/// Deletes and purges a tenant in one go, or continues where that stopped.
///
/// # Errors
/// As deleting and purging have.
pub async fn destroy(
    plane: &ControlPlane,
    places: &Homes,
    request: &DeleteRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<PurgeReport, TenantError> {
    let slug = request.consent.slug();
    let found = control_plane::find_any(&mut *plane.session().await?, slug).await?;
    if !found.is_some_and(|tenant| is_past_delete(&tenant)) {
        delete::run(plane, places, request, interrupt, on_event).await?;
    }
    let request = PurgeRequest {
        consent: request.consent.clone(),
        patience: request.patience,
        actor: request.actor.clone(),
    };
    run(plane, places, &request, interrupt, on_event).await
}

/// Whether deleting lies behind a tenant for good: only purging is left.
fn is_past_delete(tenant: &Tenant) -> bool {
    matches!(tenant.status, TenantStatus::Purging | TenantStatus::Purged)
}

/// Returns the deleted tenants whose grace is over by the database's clock, and those whose purge
/// was begun.
///
/// # Errors
/// When the control plane does not answer.
pub async fn due(plane: &ControlPlane) -> Result<Vec<Tenant>, TenantError> {
    let mut session = plane.session().await?;
    let now = control_plane::now(&mut session).await?;
    let mut found = Vec::new();
    for status in [TenantStatus::Deleted, TenantStatus::Purging] {
        let filter = TenantFilter { status: Some(status), ..TenantFilter::default() };
        let tenants = control_plane::list_page(&mut session, &filter, None, i64::MAX).await?;
        let is_due = |tenant: &Tenant| {
            status == TenantStatus::Purging || tenant.purge_after.is_some_and(|at| at <= now)
        };
        found.extend(tenants.into_iter().filter(is_due));
    }
    Ok(found)
}

/// Destroys a deleted tenant, or finishes what an earlier run began.
///
/// # Errors
/// When it is not deleted, its database is not provably its own, somebody else works on it, or a
/// step fails; access stays cut.
pub async fn run(
    plane: &ControlPlane,
    places: &Homes,
    request: &PurgeRequest,
    interrupt: &Interrupt,
    on_event: &dyn Fn(StepEvent),
) -> Result<PurgeReport, TenantError> {
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + request.patience;
    let slug = request.consent.slug();
    let found = control_plane::find_any(&mut *plane.session().await?, slug).await?;
    let tenant = found.ok_or_else(|| TenantError::NotFound(slug.to_string()))?;
    if tenant.status == TenantStatus::Purged {
        let elapsed = started.elapsed();
        return Ok(PurgeReport { tenant, was_purged: true, steps: Vec::new(), elapsed });
    }
    let (mut connection, tenant) = control::take(plane, &tenant, "purge", deadline).await?;
    check(&tenant)?;
    let is_bare = control::settle_adoption(&mut connection, &tenant).await?;
    if !is_bare {
        control::settle_quarantine(&mut connection, (places, plane), &tenant, "purge", deadline)
            .await?;
    }
    let opening = Opening {
        kind: OperationKind::Purge,
        action: "tenant.purge",
        request: serde_json::json!({ "slug": tenant.slug.as_str(), "backup": null }),
        first_step: Step::Check.word(),
        actor: &request.actor,
    };
    let (journal, trail, _) = control::open(connection, &tenant, opening).await?;
    let identity = Identity::of(&tenant, plane.id());
    let mut purging =
        Purging { plane, places, trail: trail.clone(), identity, tenant, is_bare, deadline };
    let under = (journal, &trail);
    let (tenant, steps) =
        control::carry_out(&mut purging, "purge", under, interrupt, on_event).await?;
    Ok(PurgeReport { tenant, was_purged: false, steps, elapsed: started.elapsed() })
}

fn check(tenant: &Tenant) -> Result<(), TenantError> {
    if tenant.is_protected {
        return Err(TenantError::Protected(tenant.slug.to_string()));
    }
    match tenant.status {
        TenantStatus::Deleted | TenantStatus::Purging => Ok(()),
        other => Err(TenantError::WrongState {
            wanted: "purge",
            slug: tenant.slug.to_string(),
            status: other.word(),
        }),
    }
}

struct Purging<'a> {
    plane: &'a ControlPlane,
    places: &'a Homes,
    trail: Trail,
    identity: Identity,
    tenant: Tenant,
    is_bare: bool,
    deadline: tokio::time::Instant,
}

impl Saga for Purging<'_> {
    type Step = Step;
    type Error = TenantError;

    fn steps(&self) -> Vec<Step> {
        STEPS.to_vec()
    }

    fn title(&self, step: Step) -> &'static str {
        match step {
            Step::Drop if self.is_in_project() => "Delete the project",
            step => step.title(),
        }
    }

    async fn look(&mut self, step: Step) -> Result<Look, TenantError> {
        Ok(match step {
            Step::Commit if self.tenant.status == TenantStatus::Purging => {
                Look::Done("it was passed before".to_owned())
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
            Step::Check if self.is_in_project() => self.check_project(journal).await,
            Step::Drop if self.is_in_project() => self.drop_project(journal).await,
            Step::Role if self.is_in_project() => Ok("it went with the project".to_owned()),
            Step::Check => self.check().await,
            Step::Commit => {
                control_plane::set_purging(&mut journal.connection, self.tenant.id).await?;
                Ok("only `purged` follows".to_owned())
            }
            Step::Drop => self.drop_database().await,
            Step::Role => self.drop_role().await,
            Step::Tombstone => self.bury(journal).await,
        }
    }
}

impl Purging<'_> {
    fn is_in_project(&self) -> bool {
        self.tenant.placement == Placement::Project
    }

    async fn check_project(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let at = (self.places, self.plane);
        let found = project::find_ours(at, journal, &mut self.tenant, self.deadline).await;
        if self.is_bare && matches!(&found, Err(error) if control::is_contradiction(error)) {
            return Ok("the project was not taken in, and is left as it is".to_owned());
        }
        Ok(match found? {
            None => "there is no project".to_owned(),
            Some((reference, proof)) => format!("project {reference} {proof}"),
        })
    }

    /// Looks once more whose it is, right before it goes for good, backups included.
    async fn drop_project(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let at = (self.places, self.plane);
        let found = project::find_ours(at, journal, &mut self.tenant, self.deadline).await;
        if self.is_bare && matches!(&found, Err(error) if control::is_contradiction(error)) {
            return Ok("no project of ours to delete".to_owned());
        }
        let Some((reference, _)) = found? else { return Ok("there was no project".to_owned()) };
        control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
        let was_there = self.places.projects()?.delete(&reference, self.deadline).await?;
        Ok(if was_there {
            format!("project {reference} deleted, and looked for in vain")
        } else {
            format!("project {reference} was not there")
        })
    }

    /// Looks before the point of no return; the drop looks again on its own session.
    async fn check(&mut self) -> Result<String, TenantError> {
        let Some(name) = &self.tenant.database else {
            return Ok("there is no database".to_owned());
        };
        let mut operator = self.places.cluster().operator(Purpose::query("purge")).await?;
        if let Some(recorded) = &self.tenant.system_identifier
            && let Some(seen) = self.places.cluster().system_identifier(&mut operator).await?
            && seen != *recorded
        {
            return Err(crate::adapters::server::ServerError::Stranger {
                what: "cluster",
                name: self.places.cluster().endpoint().to_string(),
                finding: format!("its identifier is {seen}, the record says {recorded}"),
            }
            .into());
        }
        match self.places.cluster().look(&mut operator, name).await? {
            None => Ok(format!("{name} is not there")),
            Some(found) if self.is_bare && found.stamp.contradiction(&self.identity).is_some() => {
                Ok(format!("{name} was not taken in, and is left as it is"))
            }
            Some(found) => {
                self.places.cluster().check_ours(
                    name,
                    &self.identity,
                    &found,
                    self.tenant.database_oid,
                )?;
                Ok(format!("{name} is stamped as this tenant's"))
            }
        }
    }

    async fn drop_database(&mut self) -> Result<String, TenantError> {
        let Some(name) = &self.tenant.database else {
            return Ok("there was no database".to_owned());
        };
        if self.is_bare {
            let mut operator = self.places.cluster().operator(Purpose::query("purge")).await?;
            let found = self.places.cluster().look(&mut operator, name).await?;
            if found.is_some_and(|found| found.stamp.contradiction(&self.identity).is_some()) {
                return Ok("no database of ours to drop".to_owned());
            }
        }
        let oid = self.tenant.database_oid;
        let was_there =
            self.places.cluster().drop_database(name, &self.identity, oid, self.deadline).await?;
        Ok(if was_there {
            format!("{name} dropped, and looked for in vain")
        } else {
            format!("{name} was not there")
        })
    }

    async fn drop_role(&mut self) -> Result<String, TenantError> {
        let Some(name) = &self.tenant.database else {
            return Ok("there was no login".to_owned());
        };
        let mut operator = self.places.cluster().operator(Purpose::query("purge")).await?;
        let was_there =
            self.places.cluster().drop_role(&mut operator, name, &self.identity).await?;
        Ok(if was_there { "dropped".to_owned() } else { "it was not there".to_owned() })
    }

    async fn bury(&mut self, journal: &mut Journal) -> Result<String, TenantError> {
        let doing = || PgError::doing("record that the tenant is purged");
        let mut transaction =
            sqlx::Connection::begin(&mut journal.connection).await.map_err(doing())?;
        control_plane::set_purged(&mut transaction, self.tenant.id).await?;
        let finished = (Step::Tombstone.word(), "purged");
        control_plane::finish(&mut transaction, &journal.lease, Some(finished)).await?;
        let database = self.tenant.database.as_ref().map(ToString::to_string);
        let detail = serde_json::json!({ "database": database });
        self.trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
        transaction.commit().await.map_err(doing())?;
        Ok("purged; the slug is free, the id is not".to_owned())
    }
}
