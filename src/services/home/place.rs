//! A new tenant's home: a database created on the cluster, or a project asked for and waited for.

use std::time::Instant;

use sqlx::postgres::PgConnection;
use tokio::time::Instant as Deadline;

use super::error::HomeError;
use super::homes::Existing;
use super::project;
use super::projects::{Projects, Readiness};
use super::world::World;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::{Home, Placed, TemplateName};
use crate::model::{
    Act, Classified, DatabaseName, ErrorKind, Interrupt, Placement, ProjectRef, Tenant,
};
use crate::services::saga::{Journal, Made};

/// A home that is entered: the operator's session on its server holds the lock of the tenant's
/// database.
#[derive(Debug)]
pub(crate) struct Entered {
    pub home: Home,
    pub operator: PgConnection,
    /// The database's oid.
    pub oid: u32,
}

/// Where placing a tenant led.
#[derive(Debug)]
pub(crate) enum Place {
    /// The home exists.
    Ready(Box<Entered>),
    /// The tenant's project was asked for and is waited for; the tenant as recorded now.
    Pending(Box<Tenant>),
}

/// How a home is placed.
pub(crate) struct Placing<'a> {
    /// The operator's session on the cluster, where it was opened before.
    pub session: Option<PgConnection>,
    /// Whether an earlier attempt recorded its intent.
    pub was_intended: bool,
    /// What a new database is copied from.
    pub template: Option<&'a TemplateName>,
    pub deadline: Deadline,
}

/// How long, and whether, a project is waited for.
pub(crate) struct Awaiting<'a> {
    /// Whether to wait at all.
    pub waits: bool,
    /// When to give up.
    pub deadline: Deadline,
    /// The operator's wish to stop.
    pub interrupt: &'a Interrupt,
    /// Takes what was seen at each look.
    pub on_look: &'a dyn Fn(&str),
}

/// Returns what people read while a new home is made.
pub(crate) fn placing_title(placement: Placement) -> &'static str {
    match placement {
        Placement::Database => "Create the database",
        Placement::Project => "Ask for the project",
    }
}

impl World {
    /// Creates the tenant's database, closed to connections, or asks for its project; or adopts one
    /// that exists.
    ///
    /// # Errors
    /// When the name is taken by something that is not the tenant's, what is to be adopted does not
    /// exist, or the server or the API refuses.
    pub(crate) async fn place(
        &self,
        tenant: &Tenant,
        wanted: Option<&Existing>,
        journal: &mut Journal,
        placing: Placing<'_>,
    ) -> Result<Made<Place>, HomeError> {
        let deadline = placing.deadline;
        match tenant.placement {
            Placement::Database => {
                self.place_on_cluster(tenant, wanted.is_some(), journal, placing).await
            }
            Placement::Project => {
                let projects = self.homes.projects()?;
                let mut tenant = tenant.clone();
                if let (Some(Existing::Project(wanted)), None) = (wanted, &tenant.project_ref) {
                    project::adopt(projects, journal, &tenant, wanted, deadline).await?;
                    tenant.project_ref = Some(wanted.clone());
                }
                let (reference, outcome) =
                    project::ask_for(projects, journal, &tenant, deadline).await?;
                tenant.project_ref = Some(reference);
                tenant.database = Some(DatabaseName::in_project(&tenant.slug, tenant.id));
                Ok(Made::now(Place::Pending(Box::new(tenant)), outcome))
            }
        }
    }

    async fn place_on_cluster(
        &self,
        tenant: &Tenant,
        adopts: bool,
        journal: &mut Journal,
        placing: Placing<'_>,
    ) -> Result<Made<Place>, HomeError> {
        let Placing { session, was_intended, template, deadline } = placing;
        let home = self.home(tenant, deadline).await?;
        let mut operator = match session {
            Some(session) => session,
            None => home.operator(Purpose::build(Act::Create.word())).await?,
        };
        home.lock(&mut journal.connection, &mut operator, deadline).await?;
        journal.check_lease().await?;
        let placed = if adopts {
            let adopted = home.adopt(&mut operator, deadline).await?;
            adopted.ok_or_else(|| HomeError::NoDatabase(home.name().to_string()))?
        } else {
            home.create(&mut operator, was_intended, template, deadline).await?
        };
        let outcome = match placed {
            Placed::Created(_) => format!("{}, closed for now", home.name()),
            Placed::Copied(_) => format!("{}, copied from a template, closed for now", home.name()),
            Placed::AlreadyThere(_) => format!("{} was there", home.name()),
        };
        let entered = Entered { home, operator, oid: placed.oid() };
        Ok(Made::now(Place::Ready(Box::new(entered)), outcome))
    }

    /// Refuses a second project of the tenant's name: a request that was taken for lost may have
    /// been carried out late.
    ///
    /// # Errors
    /// When there are two.
    pub(crate) async fn refuse_twins(
        &self,
        tenant: &Tenant,
        deadline: Deadline,
    ) -> Result<(), HomeError> {
        if tenant.placement == Placement::Project {
            self.homes.projects()?.find(tenant, deadline).await?;
        }
        Ok(())
    }

    /// Waits through the project's status, then its services, then until a connection works.
    ///
    /// # Errors
    /// When the project will not work, is another tenant's by its stamp, or the patience ends.
    pub(crate) async fn wait_for_project(
        &self,
        tenant: &Tenant,
        journal: &mut Journal,
        awaiting: &Awaiting<'_>,
    ) -> Result<Made<Entered>, HomeError> {
        let nowhere = || HomeError::Nowhere(tenant.slug.to_string());
        let project = tenant.project_ref.as_ref().ok_or_else(nowhere)?;
        let (projects, deadline) = (self.homes.projects()?, awaiting.deadline);
        let started = Instant::now();
        let mut refusal = None;
        for look in 0_u32.. {
            if let Err(error) = wait_until_ready(projects, project, awaiting).await {
                return Err(late(error, refusal));
            }
            match self.operator(tenant, Purpose::build(Act::Create.word()), deadline).await {
                Ok((home, mut operator)) => {
                    home.lock(&mut journal.connection, &mut operator, deadline).await?;
                    journal.check_lease().await?;
                    home.is_stamped_inside(&mut operator).await?;
                    home.server().prepare(&mut operator, deadline).await?;
                    let found = home.look(&mut operator).await?.ok_or_else(nowhere)?;
                    let way =
                        if home.server().is_pooled() { "through its pooler" } else { "directly" };
                    let entered = Entered { home, operator, oid: found.oid };
                    return Ok(Made::now(entered, format!("healthy, entered {way}")));
                }
                Err(error) if may_pass(&error) => {
                    let said = format!("no connection works yet: {error}");
                    // What the server refused says more than a request that the API's pace held up.
                    if refusal.is_none() || !matches!(error, HomeError::Management(_)) {
                        refusal = Some(Box::new(error));
                    }
                    let at = (look, started);
                    if let Err(error) = pause(projects, project, awaiting, at, said).await {
                        return Err(late(error, refusal));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(nowhere())
    }
}

impl Entered {
    /// Ends the operator's session, and with it the lock.
    pub(crate) async fn close(self) {
        Endpoint::close(self.operator).await;
    }
}

/// Adds the last refused connection to the error that a wait ended with.
fn late(error: HomeError, refusal: Option<Box<HomeError>>) -> HomeError {
    match error {
        HomeError::NotReady { project, said, waited, source } => {
            HomeError::NotReady { project, said, waited, source: source.or(refusal) }
        }
        other => other,
    }
}

/// Polls until the API says that the project works.
async fn wait_until_ready(
    projects: &Projects,
    project: &ProjectRef,
    awaiting: &Awaiting<'_>,
) -> Result<(), HomeError> {
    let started = Instant::now();
    let mut last_seen = None;
    for look in 0_u32.. {
        let said = match projects.look(project, awaiting.deadline).await? {
            Readiness::Ready => return Ok(()),
            Readiness::Pending(seen) => {
                last_seen = Some(seen.clone());
                seen
            }
            // A request that our own deadline cut off says nothing about the project.
            Readiness::Unanswered(why) if Deadline::now() < awaiting.deadline => why,
            Readiness::Unanswered(why) => last_seen.clone().unwrap_or(why),
        };
        pause(projects, project, awaiting, (look, started), said).await?;
    }
    Ok(())
}

/// Sleeps before the next poll of a project's status. Fails when interrupted, when `--no-wait` was
/// given, or when the deadline would pass.
async fn pause(
    projects: &Projects,
    project: &ProjectRef,
    awaiting: &Awaiting<'_>,
    (look, started): (u32, Instant),
    said: String,
) -> Result<(), HomeError> {
    if awaiting.interrupt.is_raised() {
        return Err(HomeError::Interrupted(project.to_string()));
    }
    if !awaiting.waits {
        return Err(HomeError::NotWaited { project: project.to_string(), said });
    }
    (awaiting.on_look)(&said);
    let wait = projects.wait(look);
    if Deadline::now() + wait > awaiting.deadline {
        let (project, waited) = (project.to_string(), started.elapsed());
        return Err(HomeError::NotReady { project, said, waited, source: None });
    }
    tokio::time::sleep(wait).await;
    Ok(())
}

/// Returns whether an error while entering a new project may pass by itself.
fn may_pass(error: &HomeError) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Denied | ErrorKind::NotFound)
}
