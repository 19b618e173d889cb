//! What is left of a tenant's home when it is purged: found, proved to be the tenant's, destroyed.

use tokio::time::Instant;

use super::error::HomeError;
use super::project;
use super::world::World;
use crate::adapters::management::Phase;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::{Contradiction, Home};
use crate::model::{Act, DatabaseName, Placement, ProjectRef, Tenant, project_name};
use crate::services::saga::Journal;

/// What is left of a tenant that lives in a project.
enum Remains {
    /// The project, and what proves that it is the tenant's.
    Project(ProjectRef, &'static str),
    /// Nothing; what was seen.
    Nothing(String),
}

/// Returns what people read while a home is destroyed.
pub(crate) fn destroying_title(placement: Placement) -> &'static str {
    match placement {
        Placement::Database => "Drop the database",
        Placement::Project => "Delete the project",
    }
}

impl World {
    /// Looks whose the home is before the point of no return, and says what was seen. Destroying
    /// looks again. `never_stamped` says that an adoption ended before its stamp: what it names is
    /// not ours to touch unless it carries the stamp all the same.
    ///
    /// # Errors
    /// When what is there is not provably the tenant's.
    pub(crate) async fn check_remains(
        &self,
        tenant: &mut Tenant,
        never_stamped: bool,
        journal: &mut Journal,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        match tenant.placement {
            Placement::Project => match self.find_own_project(tenant, journal, deadline).await {
                Err(error) if never_stamped && error.is_contradiction() => {
                    Ok("the project was never adopted, and is left as it is".to_owned())
                }
                Err(error) => Err(error),
                Ok(Remains::Nothing(seen)) => Ok(seen),
                Ok(Remains::Project(found, proof)) => Ok(format!("project {found} {proof}")),
            },
            Placement::Database => self.check_database(tenant, never_stamped).await,
        }
    }

    /// Destroys the home and proves that it is gone; returns in a few words what was done.
    ///
    /// # Errors
    /// When it is not provably the tenant's, or still exists at the deadline.
    pub(crate) async fn destroy_remains(
        &self,
        tenant: &mut Tenant,
        never_stamped: bool,
        journal: &mut Journal,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        match tenant.placement {
            Placement::Project => {
                // Looked at once more right before it goes for good, backups included.
                let found = match self.find_own_project(tenant, journal, deadline).await {
                    Err(error) if never_stamped && error.is_contradiction() => {
                        return Ok("no project of ours to delete".to_owned());
                    }
                    found => found?,
                };
                let reference = match found {
                    Remains::Nothing(seen) => return Ok(seen),
                    Remains::Project(reference, _) => reference,
                };
                journal.check_lease().await?;
                let projects = self.homes.projects()?;
                let organization = projects.organization_of(tenant, deadline).await?;
                let existed = projects.delete(&reference, &organization, deadline).await?;
                Ok(if existed {
                    format!("project {reference} deleted, and proved to be gone")
                } else {
                    format!("project {reference} was gone already")
                })
            }
            Placement::Database => {
                self.drop_database(tenant, never_stamped, journal, deadline).await
            }
        }
    }

    /// Drops the tenant's login; a project's went with the project.
    ///
    /// # Errors
    /// When the login is not the tenant's, or the server refuses.
    pub(crate) async fn drop_login(&self, tenant: &Tenant) -> Result<String, HomeError> {
        if tenant.placement == Placement::Project {
            return Ok("it went with the project".to_owned());
        }
        let Some(home) = self.on_cluster(tenant) else {
            return Ok("there was no login".to_owned());
        };
        let mut operator = home.operator(Purpose::query(Act::Purge.word())).await?;
        let existed = home.drop_login(&mut operator).await?;
        Ok(if existed { "dropped" } else { "there was no login" }.to_owned())
    }

    async fn check_database(
        &self,
        tenant: &Tenant,
        never_stamped: bool,
    ) -> Result<String, HomeError> {
        let Some(home) = self.on_cluster(tenant) else {
            return Ok("there is no database".to_owned());
        };
        let name = home.name();
        let mut operator = home.operator(Purpose::query(Act::Purge.word())).await?;
        self.check_recorded_server(tenant, &mut operator).await?;
        match home.look(&mut operator).await? {
            None => Ok(format!("{name} does not exist")),
            Some(found) if never_stamped && home.contradiction(&found).is_some() => {
                Ok(format!("{name} was never adopted, and is left as it is"))
            }
            Some(found) => {
                home.check_ours(&found, tenant.database_oid)?;
                Ok(format!("{name} is stamped as this tenant's"))
            }
        }
    }

    async fn drop_database(
        &self,
        tenant: &Tenant,
        never_stamped: bool,
        journal: &mut Journal,
        deadline: Instant,
    ) -> Result<String, HomeError> {
        let Some(home) = self.on_cluster(tenant) else {
            return Ok("there was no database".to_owned());
        };
        let mut operator = home.operator(Purpose::query(Act::Purge.word())).await?;
        self.check_recorded_server(tenant, &mut operator).await?;
        let found = if never_stamped { home.look(&mut operator).await? } else { None };
        Endpoint::close(operator).await;
        if found.is_some_and(|found| home.contradiction(&found).is_some()) {
            return Ok("no database of ours to drop".to_owned());
        }
        let existed = home.drop(&mut journal.connection, tenant.database_oid, deadline).await?;
        let name = home.name();
        Ok(if existed {
            format!("{name} dropped, and proved to be gone")
        } else {
            format!("{name} did not exist")
        })
    }

    /// Returns the home of a tenant on the cluster, when a database is recorded.
    fn on_cluster(&self, tenant: &Tenant) -> Option<Home> {
        let name = tenant.database.clone()?;
        Some(self.homes.cluster().home(name, self.identity(tenant)))
    }

    /// Finds the project that is to be destroyed and proves whose it is: by the stamp inside, or,
    /// where a creation ended before its stamp, by the name that carries the tenant's id; or proves
    /// that it is gone.
    async fn find_own_project(
        &self,
        tenant: &mut Tenant,
        journal: &mut Journal,
        deadline: Instant,
    ) -> Result<Remains, HomeError> {
        let projects = self.homes.projects()?;
        if tenant.project_ref.is_none() {
            let found = project::find_asked_for(projects, journal, tenant, deadline).await?;
            let nothing = || Remains::Nothing("no project of its name was found".to_owned());
            let Some(found) = found else { return Ok(nothing()) };
            project::record(journal, tenant, &found).await?;
            tenant.database = Some(DatabaseName::in_project(&tenant.slug, tenant.id));
            tenant.organization = Some(found.organization);
            tenant.project_ref = Some(found.reference);
        }
        let nowhere = || HomeError::Nowhere(tenant.slug.to_string());
        let reference = tenant.project_ref.clone().ok_or_else(nowhere)?;
        let found = projects.api().project(&reference, deadline).await?;
        let Some(found) = found.filter(|found| !found.status.is_ending()) else {
            return self.prove_gone(tenant, deadline).await.map(Remains::Nothing);
        };
        let is_named_ours = found.name == project_name(&tenant.slug, tenant.id);
        // Before its address was registered, no application could have put anything into it.
        let is_unfinished = tenant.host.is_none();
        if found.status.phase() == Phase::Ready {
            let purpose = Purpose::query(Act::Purge.word());
            let (home, mut operator) = self.operator(tenant, purpose, deadline).await?;
            if home.is_stamped_inside(&mut operator).await? {
                return Ok(Remains::Project(reference, "is stamped as this tenant's"));
            }
        } else if !(is_named_ours && is_unfinished) {
            let (project, status) = (reference.to_string(), found.status.word().to_owned());
            let is_paused = found.status.phase() == Phase::Paused;
            return Err(HomeError::Unusable { project, status, is_paused });
        }
        if is_named_ours && is_unfinished {
            let proof = "carries this tenant's id in its name, and no stamp yet";
            return Ok(Remains::Project(reference, proof));
        }
        let (project, contradiction) = (reference.to_string(), Contradiction::NoStamp);
        Err(HomeError::Contradicted { project, contradiction })
    }
}
