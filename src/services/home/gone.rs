//! What proves that a project is gone: the API itself knows its ref no more, *and* the organization
//! that it was recorded in does not list it, asked by somebody who belongs to that organization.
//!
//! A 404 alone proves nothing: a proxy answers one, and so may an API to whom it hides a project
//! from. Whether what is gone may be forgotten is for the caller.

use tokio::time::Instant;

use super::error::HomeError;
use super::projects::Projects;
use super::world::World;
use crate::adapters::management::Phase;
use crate::model::{ProjectRef, Tenant};

impl World {
    /// Proves that the tenant's project is gone; returns in words what was seen.
    ///
    /// # Errors
    /// When it is there, or nothing proves that it is not.
    pub(crate) async fn prove_gone(
        &self,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        let nowhere = || HomeError::Nowhere(tenant.slug.to_string());
        let project = tenant.project_ref.as_ref().ok_or_else(nowhere)?;
        let projects = self.homes.projects()?;
        let organization = projects.organization_of(tenant, deadline).await?;
        projects.prove_gone(project, &organization, deadline).await?;
        Ok(format!(
            "project {project} is gone: the Management API does not know it, and organization \
             {organization} does not list it"
        ))
    }
}

impl Projects {
    /// Proves that a project is gone that was in an organization.
    ///
    /// # Errors
    /// When it is there, or nothing proves that it is not.
    pub(super) async fn prove_gone(
        &self,
        project: &ProjectRef,
        organization: &str,
        deadline: Instant,
    ) -> Result<(), HomeError> {
        let not_gone = |said: String| HomeError::NotGone { project: project.to_string(), said };
        if let Some(found) = self.api.project(project, deadline).await?
            && found.status.phase() != Phase::Gone
        {
            return Err(not_gone(format!("it is {}", found.status.word())));
        }
        // A token that lost its organization may be shown an empty list of it.
        let known = self.api.organizations(deadline).await?;
        if !known.iter().any(|known| known.slug == organization) {
            let (project, organization) = (project.to_string(), organization.to_owned());
            return Err(HomeError::Outsider { project, organization });
        }
        match self.api.listed(organization, project, deadline).await? {
            Some(status) if status.phase() != Phase::Gone => {
                Err(not_gone(format!("organization {organization} lists it as {}", status.word())))
            }
            _ => Ok(()),
        }
    }
}
