//! The Supabase projects of an organization: found by name, created, looked at, deleted.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::error::{HomeError, is_final};
use crate::adapters::management::{
    ListedProject, Management, NewProject, Phase, Project, RefusalReason,
};
use crate::adapters::postgres::generate_password;
use crate::adapters::server::ServerError;
use crate::model::{Classified, ErrorKind, ProjectRef, Tenant, project_name};

/// How patiently the Management API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Between two looks at something that is under way; later ones are further apart.
    pub poll: Duration,
    /// How long a project may take to appear in lists after a request that was not answered.
    pub settle: Duration,
    /// How long a request that was not answered keeps another from being sent.
    pub doubt: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            // 120 requests a minute and endpoint, all tokens of a user together (supabase.com/docs,
            // "Management API", rate limits, read 2026-11); later looks are further apart.
            poll: Duration::from_secs(1),
            // A project is usually up within one to three minutes of its request; upstream gives no
            // number.
            settle: Duration::from_mins(3),
            // Our choice: names are believed to be unique, so a second request is safe by then even
            // if the first should still be carried out.
            doubt: Duration::from_mins(15),
        }
    }
}

impl Pace {
    /// Returns the wait before the look with this number: 1, 1, 2, 3, 5 polls, and so on up to ten.
    pub(super) fn wait(&self, look: u32) -> Duration {
        const STEPS: [u32; 7] = [1, 1, 2, 3, 5, 8, 10];
        self.poll * STEPS[usize::try_from(look).unwrap_or(usize::MAX).min(STEPS.len() - 1)]
    }
}

/// The Supabase projects of an organization, as one user may reach them.
#[derive(Debug, Clone)]
pub(crate) struct Projects {
    pub(super) api: Management,
    organization: Option<String>,
    region: Option<String>,
    root_cert: Option<PathBuf>,
    pub(super) pace: Pace,
}

/// A project that was asked for, as it was found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub reference: ProjectRef,
    pub region: Option<String>,
    /// The slug of the organization that it is in.
    pub organization: String,
}

/// How a project stands that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The API says that everything works.
    Ready,
    /// It does not, yet; what was seen.
    Pending(String),
    /// The API could not be asked; why.
    Unanswered(String),
}

impl Projects {
    /// Returns the projects reached over an API; nothing is contacted.
    pub(crate) fn new(api: Management) -> Self {
        Self { api, organization: None, region: None, root_cert: None, pace: Pace::default() }
    }

    /// Returns the same with the organization and the region that new projects are made in.
    #[must_use]
    pub(crate) fn placed(self, organization: Option<String>, region: Option<String>) -> Self {
        Self { organization, region, ..self }
    }

    /// Returns the same with the authorities that databases are verified by.
    #[must_use]
    pub(crate) fn trusting(self, root_cert: Option<PathBuf>) -> Self {
        Self { root_cert, ..self }
    }

    /// Returns the same at another pace.
    #[must_use]
    pub(crate) fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(crate) fn api(&self) -> &Management {
        &self.api
    }

    /// Returns the file of authorities that databases are verified by.
    pub(super) fn root_cert(&self) -> Option<PathBuf> {
        self.root_cert.clone()
    }

    /// Returns how long to wait after the look with this number, counted from 0.
    pub(crate) fn wait(&self, look: u32) -> Duration {
        self.pace.wait(look)
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// Returns the organization that projects are made and looked for in.
    ///
    /// # Errors
    /// When none is configured and the token's user does not belong to exactly one.
    pub(crate) async fn organization(&self, deadline: Instant) -> Result<String, HomeError> {
        if let Some(slug) = &self.organization {
            return Ok(slug.clone());
        }
        let found = self.api.organizations(deadline).await?;
        match found.as_slice() {
            [only] => Ok(only.slug.clone()),
            many => Err(HomeError::NoOrganization {
                known: many.iter().map(|one| format!("`{}` ({})", one.slug, one.name)).collect(),
            }),
        }
    }

    /// Returns the organization that a tenant's project was asked for in; where none was yet, the
    /// one that it would be.
    ///
    /// # Errors
    /// As `organization`.
    pub(crate) async fn organization_of(
        &self,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        match &tenant.organization {
            Some(recorded) => Ok(recorded.clone()),
            None => self.organization(deadline).await,
        }
    }

    /// Returns the organization that is configured, and every project of it.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
    pub(crate) async fn list(
        &self,
        deadline: Instant,
    ) -> Result<(String, Vec<ListedProject>), HomeError> {
        let organization = self.organization(deadline).await?;
        let listed = self.api.list_projects(&organization, None, deadline).await?;
        Ok((organization, listed))
    }

    /// Returns the project that carries the tenant's name in its organization, if there is one.
    ///
    /// # Errors
    /// When there are several, or the API does not answer or refuses.
    pub(crate) async fn find(
        &self,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<Option<Asked>, HomeError> {
        let name = project_name(&tenant.slug, tenant.id);
        let organization = self.organization_of(tenant, deadline).await?;
        let mut found = self.api.list_projects(&organization, Some(&name), deadline).await?;
        // The search is for parts of names, and only ours may be taken for ours.
        found.retain(|project| project.name == name && !project.status.is_ending());
        if found.len() > 1 {
            let refs = found.iter().map(|project| project.reference.to_string()).collect();
            return Err(HomeError::Twice { name, refs });
        }
        Ok(found.pop().map(|found| Asked {
            reference: found.reference,
            region: found.region,
            organization,
        }))
    }

    /// Looks for the tenant's project until it appears, for as long as a project may take to do
    /// so after a request made `ago`.
    ///
    /// # Errors
    /// As `find`.
    pub(crate) async fn find_late(
        &self,
        tenant: &Tenant,
        ago: Duration,
        deadline: Instant,
    ) -> Result<Option<Asked>, HomeError> {
        let settled = Instant::now() + self.pace.settle.saturating_sub(ago);
        for look in 0.. {
            match self.find(tenant, deadline).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                // Where one answer was lost, another may be; the deadline ends it.
                Err(error) if error.kind() == ErrorKind::Unavailable => {}
                Err(error) => return Err(error),
            }
            let wait = self.pace.wait(look);
            if Instant::now() + wait > settled.min(deadline) {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        Ok(None)
    }

    /// Returns where a project would be made: the region that was asked for or configured, else the
    /// part of the world the API recommends. Whether it takes projects is asked first.
    ///
    /// # Errors
    /// When it takes no projects now, or does not exist.
    pub(crate) async fn region(
        &self,
        wanted: Option<&str>,
        organization: &str,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        let wanted = wanted.or(self.region.as_deref());
        let known = match (self.api.regions(organization, deadline).await, wanted) {
            (Ok(known), _) => known,
            // A token may be allowed to make projects and not to ask this.
            (Err(error), Some(region)) if error.kind() == ErrorKind::Denied => {
                return Ok(region.to_owned());
            }
            (Err(error), _) => return Err(error.into()),
        };
        let free = || {
            let is_free = known.iter().filter(|region| region.problem.is_none());
            is_free.map(|region| region.code.clone()).collect::<Vec<_>>()
        };
        let refused = |region: &str, problem: String| HomeError::Region {
            region: region.to_owned(),
            problem,
            free: free(),
        };
        let Some(wanted) = wanted else {
            let recommended = known.iter().find(|region| region.is_recommended);
            let group = recommended.or_else(|| known.iter().find(|region| region.is_group));
            let region = group.or_else(|| known.iter().find(|r| r.problem.is_none()));
            return region
                .map(|region| region.code.clone())
                .ok_or_else(|| refused("any", "the Management API offers none".to_owned()));
        };
        let Some(region) = known.iter().find(|region| region.code == wanted) else {
            return Err(refused(wanted, "the Management API offers no such region".to_owned()));
        };
        match region.problem.as_deref() {
            None => Ok(region.code.clone()),
            Some("capacity") => {
                Err(refused(wanted, "it has no capacity for more projects".to_owned()))
            }
            Some(other) => Err(refused(wanted, format!("it takes no projects ({other})"))),
        }
    }

    /// Asks for a project, once. Its database's own password is made here and forgotten: nobody
    /// needs it.
    ///
    /// # Errors
    /// What the API refuses, and what is not known.
    pub(crate) async fn create(
        &self,
        name: &str,
        organization: &str,
        region: &str,
        deadline: Instant,
    ) -> Result<Project, HomeError> {
        let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
        let new = NewProject {
            name: name.to_owned(),
            organization: organization.to_owned(),
            region: region.to_owned(),
            database_password: password,
        };
        Ok(self.api.create_project(&new, deadline).await?)
    }

    /// Looks how a project stands.
    ///
    /// # Errors
    /// When it is gone, or will not work by itself, or the API refuses for good.
    pub(crate) async fn look(
        &self,
        project: &ProjectRef,
        deadline: Instant,
    ) -> Result<Readiness, HomeError> {
        let found = match self.api.project(project, deadline).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(HomeError::Gone(project.to_string())),
            Err(error) if is_final(&error) => return Err(error.into()),
            Err(error) => return Ok(Readiness::Unanswered(error.to_string())),
        };
        let status = found.status.word().to_owned();
        match found.status.phase() {
            Phase::Ready => {}
            Phase::Pending => return Ok(Readiness::Pending(format!("it is {status}"))),
            Phase::Gone => return Err(HomeError::Gone(project.to_string())),
            phase @ (Phase::Paused | Phase::Failed | Phase::Leaving) => {
                let is_paused = phase == Phase::Paused;
                let project = project.to_string();
                return Err(HomeError::Unusable { project, status, is_paused });
            }
        }
        // In a project's first seconds the pooler is UNHEALTHY "not found" and requests fail with
        // "Failed to retrieve project's … service health" although all is well
        // (supabase/terraform-provider-supabase `internal/provider/utils.go`, read 2026-08).
        let sick = match self.api.health(project, deadline).await {
            Ok(services) => services.into_iter().find(|service| !service.is_healthy),
            Err(error) if error.kind() == ErrorKind::Denied => None,
            Err(error) => return Ok(Readiness::Unanswered(error.to_string())),
        };
        Ok(match sick {
            None => Readiness::Ready,
            Some(sick) => Readiness::Pending(format!("its {} is {}", sick.service, sick.said)),
        })
    }

    /// Deletes a project of an organization for good and proves that it is gone; returns whether
    /// there was one. The caller has checked whose it is.
    ///
    /// # Errors
    /// When the API refuses, or it is still there at the deadline.
    pub(crate) async fn delete(
        &self,
        project: &ProjectRef,
        organization: &str,
        deadline: Instant,
    ) -> Result<bool, HomeError> {
        let started = Instant::now();
        let mut was_there = false;
        for look in 0.. {
            // A project that is still coming up refuses with 400 "Project not ready for deletion."
            // (recorded 2026-04): that passes.
            let said = match self.api.delete_project(project, deadline).await {
                Ok(deleted) => {
                    was_there |= deleted;
                    None
                }
                Err(error) if error.reason() == RefusalReason::NotReady => Some(error.to_string()),
                Err(error) if is_final(&error) => return Err(error.into()),
                Err(error) => Some(error.to_string()),
            };
            // An answer to DELETE is a promise.
            let said = match self.prove_gone(project, organization, deadline).await {
                Ok(()) => return Ok(was_there),
                Err(HomeError::NotGone { said: seen, .. }) => said.unwrap_or(seen),
                Err(HomeError::Management(error)) if !is_final(&error) => {
                    said.unwrap_or_else(|| error.to_string())
                }
                Err(error) => return Err(error),
            };
            was_there = true;
            let wait = self.pace.wait(look);
            if Instant::now() + wait > deadline {
                let (project, waited) = (project.to_string(), started.elapsed());
                return Err(HomeError::NotReady { project, said, waited, source: None });
            }
            tokio::time::sleep(wait).await;
        }
        Ok(was_there)
    }
}
