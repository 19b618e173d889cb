//! What a service reaches: the control plane, and from a tenant's record the way to its home.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::error::HomeError;
use super::homes::Homes;
use super::projects::Projects;
use crate::adapters::control_plane::ControlPlane;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::{Home, Identity, ServerError, Sight, TenantDatabase};
use crate::model::{Placement, SecretText, Tenant};

/// The control plane and the homes of its tenants.
#[derive(Debug)]
pub(crate) struct World {
    /// The database that knows all tenants.
    pub plane: ControlPlane,
    /// Where their databases are.
    pub homes: Homes,
}

impl World {
    /// Returns the identity that a tenant's database is stamped with.
    pub(crate) fn identity(&self, tenant: &Tenant) -> Identity {
        Identity::of(tenant, self.plane.id())
    }

    /// Returns a tenant's home, ready to be entered: a project's with a login that was made for it
    /// just now.
    ///
    /// # Errors
    /// When no database is recorded, or the project does not exist, does not work, or lets us in in
    /// no way.
    pub(crate) async fn home(&self, tenant: &Tenant, deadline: Instant) -> Result<Home, HomeError> {
        let nowhere = || HomeError::Nowhere(tenant.slug.to_string());
        let name = tenant.database.clone().ok_or_else(nowhere)?;
        let server = match tenant.placement {
            Placement::Database => self.homes.cluster().clone(),
            Placement::Project => {
                let project = tenant.project_ref.as_ref().ok_or_else(nowhere)?;
                self.homes.projects()?.server(&self.plane, tenant, project, deadline).await?
            }
        };
        Ok(server.home(name, self.identity(tenant)))
    }

    /// Opens a session of the operator on the server of a tenant's home.
    pub(crate) async fn operator(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<(Home, PgConnection), HomeError> {
        let home = self.home(tenant, deadline).await?;
        match home.operator(purpose).await {
            // Once only: a second refusal in a row is not another command's doing.
            Err(error) if is_login_replaced(tenant, &error) => {
                let home = self.home(tenant, deadline).await?;
                let session = home.operator(purpose).await?;
                Ok((home, session))
            }
            Err(error) => Err(error.into()),
            Ok(session) => Ok((home, session)),
        }
    }

    /// Opens a session inside a tenant's database, as its owner.
    pub(crate) async fn enter(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<TenantDatabase, HomeError> {
        let home = self.home(tenant, deadline).await?;
        match home.enter(purpose).await {
            Err(error) if is_login_replaced(tenant, &error) => {
                let home = self.home(tenant, deadline).await?;
                Ok(home.enter(purpose).await?)
            }
            entered => Ok(entered?),
        }
    }

    /// Does the same, makes sure whose it is, and sees what is wanted on the same way.
    pub(crate) async fn enter_seeing(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
        sight: Sight<'_>,
        deadline: Instant,
    ) -> Result<TenantDatabase, HomeError> {
        let home = self.home(tenant, deadline).await?;
        match home.enter_seeing(purpose, sight).await {
            Err(error) if is_login_replaced(tenant, &error) => {
                let home = self.home(tenant, deadline).await?;
                Ok(home.enter_seeing(purpose, sight).await?)
            }
            entered => Ok(entered?),
        }
    }

    /// Returns how an application connects to a tenant's database, from the record alone.
    pub(crate) fn address(
        &self,
        tenant: &Tenant,
        password: Option<SecretText>,
    ) -> Option<Endpoint> {
        let name = tenant.database.as_ref()?;
        let (host, port) = (tenant.host.as_deref()?, tenant.port?);
        if let (Placement::Project, Some(project)) = (tenant.placement, &tenant.project_ref) {
            let user = if tenant.is_pooled {
                format!("{}.{project}", name.login())
            } else {
                name.login().to_owned()
            };
            let root = self.homes.projects().ok().and_then(Projects::root_cert);
            let endpoint = Endpoint::reported(host, port, &user, name.as_str(), root);
            let endpoint = endpoint.waiting_like(self.plane.endpoint());
            return Some(endpoint.with_login(&user, password));
        }
        let home = self.homes.cluster().home(name.clone(), self.identity(tenant));
        Some(home.address(password).at(host, port))
    }
}

/// Returns whether the server refused a login that worked a moment ago: a project has one
/// short-lived login, and another command that asks for one replaces ours (28P01).
pub(super) fn is_login_replaced(tenant: &Tenant, error: &ServerError) -> bool {
    tenant.placement == Placement::Project
        && matches!(error, ServerError::Postgres(error) if error.is("28P01"))
}
