//! Both kinds of places behind one door.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::{HomeError, Projects};
use crate::adapters::control_plane::ControlPlane;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::{Identity, Server, TenantDatabase};
use crate::model::{Placement, SecretText, Tenant};

/// Where tenants live.
#[derive(Debug, Clone)]
pub struct Homes {
    cluster: Server,
    projects: Option<Projects>,
}

impl Homes {
    /// Returns the places that are configured; projects only where there is an access token.
    pub fn new(cluster: Server, projects: Option<Projects>) -> Self {
        Self { cluster, projects }
    }

    /// Returns the shared cluster.
    pub fn cluster(&self) -> &Server {
        &self.cluster
    }

    /// Returns the Supabase projects.
    ///
    /// # Errors
    /// When there is no access token.
    pub fn projects(&self) -> Result<&Projects, HomeError> {
        self.projects.as_ref().ok_or(HomeError::NoToken)
    }

    /// Returns the server that a tenant's database is on, ready to be entered: a project's with a
    /// login that was made for it just now.
    ///
    /// # Errors
    /// When the project is not there, does not work, or lets us in no way at all.
    pub async fn home(
        &self,
        plane: &ControlPlane,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<Server, HomeError> {
        match (tenant.placement, &tenant.project_ref) {
            (Placement::Database, _) => Ok(self.cluster.clone()),
            (Placement::Project, Some(project)) => {
                self.projects()?.home(plane, tenant, project, deadline).await
            }
            (Placement::Project, None) => Err(HomeError::Nowhere(tenant.slug.to_string())),
        }
    }

    /// Opens a session of the operator where a tenant's database is.
    ///
    /// # Errors
    /// As `home`, and when the server cannot be reached.
    pub async fn operator(
        &self,
        plane: &ControlPlane,
        tenant: &Tenant,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<(Server, PgConnection), HomeError> {
        let home = self.home(plane, tenant, deadline).await?;
        match home.operator(purpose).await {
            // Somebody else asked for a login meanwhile, which ended ours.
            Err(error) if home.is_project() && is_stale(&error) => {
                let home = self.home(plane, tenant, deadline).await?;
                let session = home.operator(purpose).await?;
                Ok((home, session))
            }
            Err(error) => Err(error.into()),
            Ok(session) => Ok((home, session)),
        }
    }

    /// Opens a session inside a tenant's database, as its owner.
    ///
    /// # Errors
    /// As `home`, and when the database cannot be entered.
    pub async fn enter(
        &self,
        plane: &ControlPlane,
        tenant: &Tenant,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<TenantDatabase, HomeError> {
        let nowhere = || HomeError::Nowhere(tenant.slug.to_string());
        let name = tenant.database.as_ref().ok_or_else(nowhere)?;
        let identity = Identity::of(tenant, plane.id());
        let home = self.home(plane, tenant, deadline).await?;
        match home.enter(name, &identity, purpose).await {
            Err(error) if home.is_project() && is_stale(&error) => {
                let home = self.home(plane, tenant, deadline).await?;
                Ok(home.enter(name, &identity, purpose).await?)
            }
            other => Ok(other?),
        }
    }

    /// Returns how an application connects to a tenant's database, by the record alone.
    pub fn address(&self, tenant: &Tenant, password: Option<SecretText>) -> Option<Endpoint> {
        let name = tenant.database.as_ref()?;
        let (host, port) = (tenant.host.as_deref()?, tenant.port?);
        match (tenant.placement, &tenant.project_ref) {
            (Placement::Project, Some(project)) => {
                let user = if tenant.is_pooled {
                    format!("{}.{project}", name.login())
                } else {
                    name.login().to_owned()
                };
                let root = self.projects.as_ref().and_then(Projects::root_cert);
                let endpoint = Endpoint::told(host, port, &user, name.as_str(), root);
                Some(endpoint.with_login(&user, password))
            }
            _ => Some(self.cluster.address_of(name, password).at(host, port)),
        }
    }
}

fn is_stale(error: &crate::adapters::server::ServerError) -> bool {
    matches!(error, crate::adapters::server::ServerError::Postgres(error) if error.is("28P01"))
}
