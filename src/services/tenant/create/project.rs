//! A tenant's own Supabase project, asked for once and waited for.
//!
//! There is no idempotency key: the name carries the tenant's id, every request is recorded before
//! it is sent, and whatever is not answered is looked for and adopted, never sent again blind.

use std::time::Instant;

use tokio::time::Instant as Deadline;

use super::super::TenantError;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::management::{Phase, Reason};
use crate::adapters::postgres::Purpose;
use crate::adapters::server::Identity;
use crate::model::{
    Classified, DatabaseName, ErrorKind, Interrupt, ProjectRef, Tenant, project_name,
};
use crate::services::home::{HomeError, Homes, Projects, Readiness};
use crate::services::saga::Journal;

/// Makes sure that the tenant has a project, and that its ref is recorded.
pub(in crate::services::tenant) async fn ask_for(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    deadline: Deadline,
) -> Result<(ProjectRef, String), TenantError> {
    if let Some(project) = &tenant.project_ref {
        return Ok((project.clone(), format!("{project} was recorded")));
    }
    let name = project_name(&tenant.slug, tenant.id);
    if let Some(found) = projects.find(&name, deadline).await? {
        return adopt(journal, tenant, found.reference, found.region.as_deref()).await;
    }
    let doubt = control_plane::doubtful_post(&mut journal.connection, tenant.id).await?;
    let pace = projects.pace();
    if let Some(ago) = doubt.filter(|ago| *ago < pace.doubt) {
        let found = projects.find_late(&name, ago, deadline).await?;
        let Some(found) = found else {
            let retry_in = pace.doubt.saturating_sub(ago);
            return Err(HomeError::Doubtful { name, ago: ago.as_secs(), retry_in }.into());
        };
        return adopt(journal, tenant, found.reference, found.region.as_deref()).await;
    }
    let organization = projects.organization(deadline).await?;
    let region = projects.region(tenant.region.as_deref(), &organization, deadline).await?;
    control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
    control_plane::intend_post(&mut journal.connection, &journal.lease).await?;
    match projects.create(&name, &organization, &region, deadline).await {
        Ok(project) => {
            record(journal, tenant, &project.reference, project.region.as_deref()).await?;
            Ok((project.reference.clone(), format!("project {} in {region}", project.reference)))
        }
        Err(error) if error.may_have_acted() || error.reason() == Reason::NameTaken => {
            let none = std::time::Duration::ZERO;
            let patient = projects.find_late(&name, none, deadline).await;
            if let Ok(Some(found)) = patient {
                return adopt(journal, tenant, found.reference, found.region.as_deref()).await;
            }
            if let Err(error @ HomeError::Twice { .. }) = patient {
                return Err(error.into());
            }
            // A name that is taken and cannot be seen is in the hands of somebody we cannot see.
            if error.reason() == Reason::NameTaken && !error.may_have_acted() {
                settle(journal, tenant, &error.to_string()).await?;
                return Err(HomeError::from(error).into());
            }
            Err(HomeError::Doubtful { name, ago: 0, retry_in: pace.doubt }.into())
        }
        Err(error) => {
            settle(journal, tenant, &error.to_string()).await?;
            Err(HomeError::from(error).into())
        }
    }
}

async fn adopt(
    journal: &mut Journal,
    tenant: &Tenant,
    project: ProjectRef,
    region: Option<&str>,
) -> Result<(ProjectRef, String), TenantError> {
    record(journal, tenant, &project, region).await?;
    let outcome = format!("project {project} was there");
    Ok((project, outcome))
}

async fn record(
    journal: &mut Journal,
    tenant: &Tenant,
    project: &ProjectRef,
    region: Option<&str>,
) -> Result<(), TenantError> {
    let database = DatabaseName::in_project(&tenant.slug, tenant.id);
    let connection = &mut journal.connection;
    control_plane::record_project(connection, tenant.id, project, &database, region).await?;
    settle(journal, tenant, &format!("project {project}")).await
}

async fn settle(journal: &mut Journal, tenant: &Tenant, outcome: &str) -> Result<(), TenantError> {
    Ok(control_plane::settle_posts(&mut journal.connection, tenant.id, outcome).await?)
}

/// Records an existing project as the tenant's, after looking at it.
pub(in crate::services::tenant) async fn take_in(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    wanted: &ProjectRef,
    deadline: Deadline,
) -> Result<(), TenantError> {
    let found = projects.api().project(wanted, deadline).await.map_err(HomeError::from)?;
    let nothing = || TenantError::NothingThere(format!("project {wanted}"));
    let found = found.filter(|found| found.status.phase() != Phase::Gone).ok_or_else(nothing)?;
    control_plane::check_lease(&mut journal.connection, &journal.lease).await?;
    record(journal, tenant, wanted, found.region.as_deref()).await
}

/// Waits until the API says that the project works; what is seen meanwhile goes to `on_look`.
pub(in crate::services::tenant) async fn wait_until_ready(
    projects: &Projects,
    project: &ProjectRef,
    waits: bool,
    interrupt: &Interrupt,
    deadline: Deadline,
    on_look: &dyn Fn(&str),
) -> Result<(), TenantError> {
    let started = Instant::now();
    for look in 0_u32.. {
        let said = match projects.look(project, deadline).await? {
            Readiness::Ready => return Ok(()),
            Readiness::Pending(said) => said,
        };
        pause(projects, project, waits, interrupt, deadline, (look, started), said, on_look)
            .await?;
    }
    Ok(())
}

/// Waits a little after a look that was in vain, or says why it does not.
#[expect(clippy::too_many_arguments, reason = "what a look saw, and every reason to stop looking")]
pub(in crate::services::tenant) async fn pause(
    projects: &Projects,
    project: &ProjectRef,
    waits: bool,
    interrupt: &Interrupt,
    deadline: Deadline,
    (look, started): (u32, Instant),
    said: String,
    on_look: &dyn Fn(&str),
) -> Result<(), TenantError> {
    if interrupt.is_raised() {
        return Err(HomeError::Interrupted(project.to_string()).into());
    }
    if !waits {
        return Err(TenantError::NotWaited { project: project.to_string(), said });
    }
    on_look(&said);
    let wait = projects.wait(look);
    if Deadline::now() + wait > deadline {
        let (project, waited) = (project.to_string(), started.elapsed());
        return Err(HomeError::NotReady { project, said, waited, source: None }.into());
    }
    tokio::time::sleep(wait).await;
    Ok(())
}

/// Returns whether an error while entering a new project may pass by itself.
pub(in crate::services::tenant) fn may_pass(error: &HomeError) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Denied | ErrorKind::NotFound)
}

/// Finds the project that is to be destroyed and proves whose it is: by the stamp inside, or, where
/// a creation had not come to one, by the name that carries the tenant's id. Nothing when there is
/// none.
pub(in crate::services::tenant) async fn find_ours(
    (places, plane): (&Homes, &ControlPlane),
    journal: &mut Journal,
    tenant: &mut Tenant,
    deadline: Deadline,
) -> Result<Option<(ProjectRef, &'static str)>, TenantError> {
    let projects = places.projects()?;
    let name = project_name(&tenant.slug, tenant.id);
    if tenant.project_ref.is_none() {
        let doubt = control_plane::doubtful_post(&mut journal.connection, tenant.id).await?;
        let doubt = doubt.filter(|ago| *ago < projects.pace().doubt);
        let found = match doubt {
            None => projects.find(&name, deadline).await?,
            Some(ago) => {
                let found = projects.find_late(&name, ago, deadline).await?;
                let retry_in = projects.pace().doubt.saturating_sub(ago);
                let ago = ago.as_secs();
                Some(found.ok_or(HomeError::Doubtful { name: name.clone(), ago, retry_in })?)
            }
        };
        let Some(found) = found else { return Ok(None) };
        record(journal, tenant, &found.reference, found.region.as_deref()).await?;
        tenant.database = Some(DatabaseName::in_project(&tenant.slug, tenant.id));
        tenant.project_ref = Some(found.reference);
    }
    let Some(reference) = tenant.project_ref.clone() else { return Ok(None) };
    let found = projects.api().project(&reference, deadline).await.map_err(HomeError::from)?;
    let Some(found) = found.filter(|found| found.status.phase() != Phase::Gone) else {
        return Ok(None);
    };
    let is_named_ours = found.name == name;
    // Before it was registered, nobody could have put anything into it.
    let is_unfinished = tenant.host.is_none();
    if found.status.phase() == Phase::Ready {
        let purpose = Purpose::query("purge");
        let (home, mut session) = places.operator(plane, tenant, purpose, deadline).await?;
        let identity = Identity::of(tenant, plane.id());
        if home.refuse_stranger(&mut session, &identity, &reference).await? {
            return Ok(Some((reference, "is stamped as this tenant's")));
        }
    } else if !(is_named_ours && is_unfinished) {
        let (project, status) = (reference.to_string(), found.status.word().to_owned());
        let is_paused = found.status.phase() == Phase::Paused;
        return Err(HomeError::Unusable { project, status, is_paused }.into());
    }
    if is_named_ours && is_unfinished {
        return Ok(Some((reference, "carries this tenant's id in its name, and no stamp yet")));
    }
    let finding = "it carries no stamp".to_owned();
    Err(HomeError::Stranger { project: reference.to_string(), finding }.into())
}
