//! Where tenants live: databases of the cluster, and Supabase projects.

use super::error::HomeError;
use super::projects::Projects;
use crate::adapters::server::Server;
use crate::model::{
    DatabaseName, Placement, ProjectRef, Slug, TenantId, escape_controls, project_name,
};

/// The cluster, and the Supabase projects where there is an access token for them.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    cluster: Server,
    projects: Option<Projects>,
}

/// What exists already and is adopted as a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Existing {
    /// A database of the cluster, by name.
    Database(String),
    /// A Supabase project.
    Project(ProjectRef),
}

impl Existing {
    /// Returns where the tenant that gets it lives.
    pub(crate) fn placement(&self) -> Placement {
        match self {
            Self::Database(_) => Placement::Database,
            Self::Project(_) => Placement::Project,
        }
    }
}

impl Homes {
    /// Returns the homes that are configured.
    pub(crate) fn new(cluster: Server, projects: Option<Projects>) -> Self {
        Self { cluster, projects }
    }

    pub(crate) fn cluster(&self) -> &Server {
        &self.cluster
    }

    /// Returns the Supabase projects.
    ///
    /// # Errors
    /// When there is no access token.
    pub(crate) fn projects(&self) -> Result<&Projects, HomeError> {
        self.projects.as_ref().ok_or(HomeError::NoToken)
    }

    /// Refuses a placement that nothing is configured for.
    ///
    /// # Errors
    /// When it wants an access token and there is none.
    pub(crate) fn require(&self, placement: Placement) -> Result<(), HomeError> {
        match placement {
            Placement::Database => Ok(()),
            Placement::Project => self.projects().map(drop),
        }
    }

    /// Returns the names that a new tenant's database and project would have; nothing of them while
    /// no id is chosen.
    pub(crate) fn planned_names(
        placement: Placement,
        slug: &Slug,
        id: Option<TenantId>,
        wanted: Option<&Existing>,
    ) -> (Option<String>, Option<String>) {
        let in_project = || Some(DatabaseName::SUPABASE.to_owned());
        match (wanted, placement) {
            (Some(Existing::Database(name)), _) => (Some(name.clone()), None),
            (Some(Existing::Project(project)), _) => (in_project(), Some(project.to_string())),
            (None, Placement::Database) => {
                (id.map(|id| DatabaseName::of(slug, id).to_string()), None)
            }
            (None, Placement::Project) => (in_project(), id.map(|id| project_name(slug, id))),
        }
    }

    /// Returns the name to reserve for a new tenant's database; nothing where it is known once a
    /// project exists to hold it.
    ///
    /// # Errors
    /// When what is to be adopted cannot be the name of a tenant's database.
    pub(crate) fn reserved_name(
        placement: Placement,
        slug: &Slug,
        id: TenantId,
        wanted: Option<&Existing>,
    ) -> Result<Option<DatabaseName>, HomeError> {
        match (placement, wanted) {
            (Placement::Project, _) => Ok(None),
            (Placement::Database, Some(Existing::Database(name))) => {
                let unusable = || HomeError::NoDatabase(escape_controls(name));
                DatabaseName::recorded(name, slug, id).map(Some).ok_or_else(unusable)
            }
            (Placement::Database, _) => Ok(Some(DatabaseName::of(slug, id))),
        }
    }
}
