//! What is really there, in one look at each kind of place, held against what is recorded.

use std::collections::HashMap;

use tokio::time::Instant;
use uuid::Uuid;

use super::error::HomeError;
use super::homes::Homes;
use crate::adapters::management::{ListedProject, Phase};
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::{Contradiction, Identity, ListedDatabase, Stamp};
use crate::model::{
    Placement, ProjectRef, Tenant, TenantId, TenantStatus, id_in_project_name, project_name,
};

/// How a record compares with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It was not looked at, or the record changed meanwhile.
    Unknown,
    /// It is there; for a project, how that stands.
    Found(Option<Standing>),
    /// It is not there, and need not be: not made yet, or gone as it should.
    Absent,
    /// It is recorded and not there.
    Missing,
    /// What is there contradicts the record.
    Contradicted(Contradiction),
}

/// How a project stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The API's word for it.
    pub word: String,
    /// Whether it works, so that there is nothing to say about it.
    pub is_ready: bool,
}

impl Standing {
    fn of(project: &ListedProject) -> Self {
        let is_ready = project.status.phase() == Phase::Ready;
        Self { word: project.status.word().to_owned(), is_ready }
    }
}

/// Something of ours that no tenant's record speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unrecorded {
    /// The tenant it says it belongs to.
    pub tenant_id: TenantId,
    /// What people called that tenant, as far as it tells.
    pub slug: String,
    /// The database's name, for placement `database`.
    pub database: Option<String>,
    /// The project's ref, for placement `project`.
    pub project: Option<ProjectRef>,
    /// How the project stands.
    pub standing: Option<Standing>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    control_plane_id: Uuid,
    databases: Option<HashMap<String, ListedDatabase>>,
    projects: Option<SeenProjects>,
}

/// The organization that was looked at, and its projects.
type SeenProjects = (String, HashMap<ProjectRef, ListedProject>);

/// A kind of place that could not be looked at.
#[derive(Debug)]
pub(crate) struct Unlooked {
    /// What it is, in words.
    pub what: &'static str,
    pub error: HomeError,
}

impl Homes {
    /// Looks at the cluster, and at the projects where they are wanted; each by itself, so that one
    /// that does not answer hides nothing of the other.
    pub(crate) async fn inventory(
        &self,
        wants_projects: bool,
        deadline: Instant,
    ) -> (Inventory, Vec<Unlooked>) {
        let projects = async {
            if wants_projects { self.all_projects(deadline).await.map(Some) } else { Ok(None) }
        };
        let (databases, projects) = tokio::join!(self.databases(), projects);
        let mut unlooked = Vec::new();
        let mut give_up = |what, error| unlooked.push(Unlooked { what, error });
        let databases = databases.map_err(|error| give_up("the cluster", error)).ok();
        let projects = projects.map_err(|error| give_up("the Supabase projects", error));
        let projects = projects.ok().flatten();
        let control_plane_id = self.cluster().control_plane_id();
        (Inventory { control_plane_id, databases, projects }, unlooked)
    }

    /// Looks whether one tenant's database or project is there.
    ///
    /// # Errors
    /// When its place does not answer.
    pub(crate) async fn presence(
        &self,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<Presence, HomeError> {
        let control_plane_id = self.cluster().control_plane_id();
        let mut inventory = Inventory { control_plane_id, ..Inventory::default() };
        match tenant.placement {
            Placement::Database => inventory.databases = Some(self.databases().await?),
            Placement::Project => inventory.projects = Some(self.all_projects(deadline).await?),
        }
        Ok(inventory.claim(tenant))
    }

    async fn databases(&self) -> Result<HashMap<String, ListedDatabase>, HomeError> {
        let mut session = self.cluster().operator(Purpose::query("list")).await?;
        let listed = self.cluster().list(&mut session).await?;
        Endpoint::close(session).await;
        Ok(listed.into_iter().map(|one| (one.name.clone(), one)).collect())
    }

    async fn all_projects(&self, deadline: Instant) -> Result<SeenProjects, HomeError> {
        let (organization, all) = self.projects()?.list(deadline).await?;
        let there = all.into_iter().filter(|one| one.status.phase() != Phase::Gone);
        Ok((organization, there.map(|one| (one.reference.clone(), one)).collect()))
    }
}

impl Inventory {
    /// Compares a tenant's record with what was seen, and takes what is its own out of what is left.
    pub(crate) fn claim(&mut self, tenant: &Tenant) -> Presence {
        match tenant.placement {
            Placement::Database => self.claim_database(tenant),
            Placement::Project => self.claim_project(tenant),
        }
    }

    fn claim_database(&mut self, tenant: &Tenant) -> Presence {
        let Some(databases) = &mut self.databases else { return Presence::Unknown };
        let Some(name) = &tenant.database else { return unseen(tenant) };
        let Some(found) = databases.get(name.as_str()) else { return unseen(tenant) };
        let identity = Identity::of(tenant, self.control_plane_id);
        let contradiction = found.stamp.contradiction(&identity);
        if let (Stamp::Of(_), Some(contradiction)) = (&found.stamp, &contradiction) {
            // It stays among what is left, in its own tenant's name.
            return Presence::Contradicted(contradiction.clone());
        }
        let is_half_dropped = found.is_half_dropped;
        databases.remove(name.as_str());
        match contradiction {
            _ if is_half_dropped => Presence::Contradicted(Contradiction::HalfDropped),
            // It is stamped a moment after it was created.
            Some(contradiction) if tenant.status != TenantStatus::Provisioning => {
                Presence::Contradicted(contradiction)
            }
            _ if tenant.status == TenantStatus::Purged => {
                Presence::Contradicted(Contradiction::StillThere)
            }
            _ => Presence::Found(None),
        }
    }

    fn claim_project(&mut self, tenant: &Tenant) -> Presence {
        let Some((looked_at, projects)) = &mut self.projects else { return Presence::Unknown };
        if tenant.organization.as_ref().is_some_and(|recorded| recorded != looked_at) {
            return Presence::Unknown;
        }
        // One whose making was never answered is known by its name.
        let named = || {
            let name = project_name(&tenant.slug, tenant.id);
            let found = projects.values().find(|project| project.name == name);
            found.map(|project| project.reference.clone())
        };
        let reference = tenant.project_ref.clone().or_else(named);
        let found = reference.and_then(|reference| projects.remove(&reference));
        match found {
            None => unseen(tenant),
            Some(_) if tenant.status == TenantStatus::Purged => {
                Presence::Contradicted(Contradiction::StillThere)
            }
            Some(project) => Presence::Found(Some(Standing::of(&project))),
        }
    }

    /// Returns what is ours by its stamp, or a project by its name, and was claimed by no record.
    pub(crate) fn rest(self) -> Vec<Unrecorded> {
        let databases = self.databases.unwrap_or_default().into_values();
        let databases = databases.filter_map(|found| match found.stamp {
            Stamp::Of(owner) if owner.control_plane_id == self.control_plane_id => {
                Some(Unrecorded {
                    tenant_id: TenantId(owner.tenant_id),
                    slug: owner.slug,
                    database: Some(found.name),
                    project: None,
                    standing: None,
                })
            }
            _ => None,
        });
        let projects = self.projects.map(|(_, projects)| projects).unwrap_or_default();
        let projects = projects.into_values();
        let projects = projects.filter_map(|found| {
            let (slug, tenant_id) = id_in_project_name(&found.name)?;
            Some(Unrecorded {
                tenant_id,
                slug: slug.to_owned(),
                database: None,
                standing: Some(Standing::of(&found)),
                project: Some(found.reference),
            })
        });
        let mut rest: Vec<_> = databases.chain(projects).collect();
        rest.sort_by(|a, b| (&a.slug, a.tenant_id.0).cmp(&(&b.slug, b.tenant_id.0)));
        rest
    }
}

/// What it means that there is nothing.
fn unseen(tenant: &Tenant) -> Presence {
    match tenant.status {
        TenantStatus::Provisioning | TenantStatus::Purging | TenantStatus::Purged => {
            Presence::Absent
        }
        _ => Presence::Missing,
    }
}
