//! A tenant's own Supabase project, asked for once.
//!
//! There is no idempotency key: the name carries the tenant's id, every request is recorded before
//! it is sent, and whatever is not answered is looked for and adopted, never sent again blind.

use std::time::Duration;

use tokio::time::Instant as Deadline;

use super::error::HomeError;
use super::projects::{Asked, Projects};
use crate::adapters::control_plane::{self, TenantProject};
use crate::adapters::management::RefusalReason;
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
        return claim(journal, tenant, found).await;
    }
    let organization = projects.organization_of(tenant, deadline).await?;
    let region = projects.region(tenant.region.as_deref(), &organization, deadline).await?;
    // In this order: an intent that was written and never sent only costs a wait; a request that was
    // sent without an intent would be sent again after a crash.
    journal.check_lease().await?;
    control_plane::intend_post(&mut journal.connection, &journal.lease, &organization).await?;
    // Whatever is configured later, it is looked for where it was asked for.
    let tenant = &Tenant { organization: Some(organization.clone()), ..tenant.clone() };
    match projects.create(&name, &organization, &region, deadline).await {
        Ok(project) => {
            let outcome = format!("project {} in {region}", project.reference);
            let made = Asked {
                reference: project.reference,
                region: project.region,
                organization: project.organization.unwrap_or(organization),
            };
            record(journal, tenant, &made).await?;
            Ok((made.reference, outcome))
        }
        Err(HomeError::Management(error))
            if error.may_have_acted() || error.reason() == RefusalReason::NameTaken =>
        {
            let found = projects.find_late(tenant, Duration::ZERO, deadline).await;
            if let Ok(Some(found)) = found {
                return claim(journal, tenant, found).await;
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

/// Looks for the project that was asked for, longer while a request may still be under way.
///
/// # Errors
/// When an unanswered request is too recent to be given up and no project can be seen.
pub(super) async fn find_asked_for(
    projects: &Projects,
    journal: &mut Journal,
    tenant: &Tenant,
    deadline: Deadline,
) -> Result<Option<Asked>, HomeError> {
    if let Some(found) = projects.find(tenant, deadline).await? {
        return Ok(Some(found));
    }
    let sent = control_plane::doubtful_post(&mut journal.connection, tenant.id).await?;
    let Some(ago) = sent.filter(|ago| *ago < projects.pace().doubt) else { return Ok(None) };
    if let Some(found) = projects.find_late(tenant, ago, deadline).await? {
        return Ok(Some(found));
    }
    let name = project_name(&tenant.slug, tenant.id);
    let retry_in = projects.pace().doubt.saturating_sub(ago);
    Err(HomeError::Doubtful { name, ago: ago.as_secs(), retry_in })
}

async fn claim(
    journal: &mut Journal,
    tenant: &Tenant,
    found: Asked,
) -> Result<(ProjectRef, String), HomeError> {
    record(journal, tenant, &found).await?;
    let outcome = format!("project {} was there", found.reference);
    Ok((found.reference, outcome))
}

/// Records a project as the tenant's and settles the requests that asked for one.
pub(super) async fn record(
    journal: &mut Journal,
    tenant: &Tenant,
    found: &Asked,
) -> Result<(), HomeError> {
    let recorded = TenantProject {
        reference: &found.reference,
        organization: &found.organization,
        database: &DatabaseName::in_project(&tenant.slug, tenant.id),
        region: found.region.as_deref(),
    };
    control_plane::record_project(&mut journal.connection, tenant.id, &recorded).await?;
    settle(journal, tenant, &format!("project {}", found.reference)).await
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
    let found = found.filter(|found| !found.status.is_ending());
    let found = found.ok_or_else(|| HomeError::NoProject(wanted.to_string()))?;
    let organization = match found.organization {
        Some(organization) => organization,
        None => projects.organization(deadline).await?,
    };
    journal.check_lease().await?;
    let (reference, region) = (wanted.clone(), found.region);
    record(journal, tenant, &Asked { reference, region, organization }).await
}
