//! A tenant's own Supabase project, asked for once.
//!
//! There is no idempotency key: the name carries the tenant's id, every request is recorded before
//! it is sent, and whatever is not answered is looked for and adopted, never sent again blind.

use std::time::Duration;

use tokio::time::Instant as Deadline;

use super::error::HomeError;
use super::projects::Projects;
use crate::adapters::control_plane;
use crate::adapters::management::{Phase, RefusalReason};
use crate::model::{DatabaseName, ProjectRef, Tenant, project_name};
use crate::services::saga::Journal;

/// Makes sure that the tenant has a project and that its ref is recorded; returns the ref, and in a
/// few words how it came to have it.
pub(super) async fn ask_for(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    deadline: Deadline,
) -> Result<(ProjectRef, String), HomeError> {
    if let Some(project) = &tenant.project_ref {
        return Ok((project.clone(), format!("{project} was recorded")));
    }
    let name = project_name(&tenant.slug, tenant.id);
    if let Some(found) = find_asked_for(projects, journal, tenant, deadline).await? {
        return claim(journal, tenant, found.0, found.1.as_deref()).await;
    }
    let organization = projects.organization(deadline).await?;
    let region = projects.region(tenant.region.as_deref(), &organization, deadline).await?;
    // In this order: an intent that was written and never sent only costs a wait; a request that was
    // sent without an intent would be sent again after a crash.
    journal.check_lease().await?;
    control_plane::intend_post(&mut journal.connection, &journal.lease).await?;
    match projects.create(&name, &organization, &region, deadline).await {
        Ok(project) => {
            record(journal, tenant, &project.reference, project.region.as_deref()).await?;
            Ok((project.reference.clone(), format!("project {} in {region}", project.reference)))
        }
        Err(HomeError::Management(error))
            if error.may_have_acted() || error.reason() == RefusalReason::NameTaken =>
        {
            let found = projects.find_late(&name, Duration::ZERO, deadline).await;
            if let Ok(Some(found)) = found {
                return claim(journal, tenant, found.reference, found.region.as_deref()).await;
            }
            if let Err(error @ HomeError::Twice { .. }) = found {
                return Err(error);
            }
            // A name that is taken by a project we cannot see belongs to another organization's
            // member: no later look will find it.
            if error.reason() == RefusalReason::NameTaken && !error.may_have_acted() {
                settle(journal, tenant, &error.to_string()).await?;
                return Err(error.into());
            }
            let retry_in = projects.pace().doubt;
            Err(HomeError::Doubtful { name, ago: 0, retry_in })
        }
        Err(error) => {
            settle(journal, tenant, &error.to_string()).await?;
            Err(error)
        }
    }
}

/// Looks for the project that was asked for, longer while a request may still be under way; its ref
/// and its region.
///
/// # Errors
/// When an unanswered request is too recent to be given up and no project can be seen.
pub(super) async fn find_asked_for(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    deadline: Deadline,
) -> Result<Option<(ProjectRef, Option<String>)>, HomeError> {
    let name = project_name(&tenant.slug, tenant.id);
    let pair = |found: crate::adapters::management::ListedProject| (found.reference, found.region);
    if let Some(found) = projects.find(&name, deadline).await? {
        return Ok(Some(pair(found)));
    }
    let sent = control_plane::doubtful_post(&mut journal.connection, tenant.id).await?;
    let Some(ago) = sent.filter(|ago| *ago < projects.pace().doubt) else { return Ok(None) };
    if let Some(found) = projects.find_late(&name, ago, deadline).await? {
        return Ok(Some(pair(found)));
    }
    let retry_in = projects.pace().doubt.saturating_sub(ago);
    Err(HomeError::Doubtful { name, ago: ago.as_secs(), retry_in })
}

async fn claim(
    journal: &mut Journal,
    tenant: &Tenant,
    project: ProjectRef,
    region: Option<&str>,
) -> Result<(ProjectRef, String), HomeError> {
    record(journal, tenant, &project, region).await?;
    let outcome = format!("project {project} was there");
    Ok((project, outcome))
}

/// Records a project as the tenant's and settles the requests that asked for one.
pub(super) async fn record(
    journal: &mut Journal,
    tenant: &Tenant,
    project: &ProjectRef,
    region: Option<&str>,
) -> Result<(), HomeError> {
    let database = DatabaseName::in_project(&tenant.slug, tenant.id);
    let connection = &mut journal.connection;
    control_plane::record_project(connection, tenant.id, project, &database, region).await?;
    settle(journal, tenant, &format!("project {project}")).await
}

async fn settle(journal: &mut Journal, tenant: &Tenant, outcome: &str) -> Result<(), HomeError> {
    Ok(control_plane::settle_posts(&mut journal.connection, tenant.id, outcome).await?)
}

/// Records an existing project as the tenant's, after looking at it.
pub(super) async fn adopt(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    wanted: &ProjectRef,
    deadline: Deadline,
) -> Result<(), HomeError> {
    let found = projects.api().project(wanted, deadline).await?;
    let found = found.filter(|found| found.status.phase() != Phase::Gone);
    let found = found.ok_or_else(|| HomeError::NoProject(wanted.to_string()))?;
    journal.check_lease().await?;
    record(journal, tenant, wanted, found.region.as_deref()).await
}
