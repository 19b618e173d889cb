//! The Auth that a tenant's own project has: its tables are in the tenant's database, and the operator
//! may use them.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::error::HomeError;
use super::world::World;
use crate::adapters::auth_tables;
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{Home, ServerError};
use crate::model::{Placement, Tenant};

/// Whether it is within reach.
#[derive(Debug)]
pub(crate) enum OwnAuth {
    /// There is none; why that is known.
    Absent(&'static str),
    /// There is one, and its tables may not be used; why.
    Hidden(&'static str),
    /// A session where its tables are.
    Here(PgConnection),
}

impl OwnAuth {
    /// Looks for it in a tenant's home, which is a project. Nobody is touched in one that is not
    /// provably the tenant's.
    ///
    /// # Errors
    /// When the server does not answer, or the project is another tenant's.
    pub(crate) async fn in_home(home: &Home, purpose: Purpose) -> Result<Self, ServerError> {
        let mut session = home.operator(purpose).await?;
        if !home.is_stamped_inside(&mut session).await? {
            return Ok(Self::Absent("the project carries no stamp yet"));
        }
        match auth_tables::has_auth(&mut session).await {
            Ok(true) => {}
            Ok(false) => return Ok(Self::Absent("the project has no Supabase Auth")),
            Err(error) if error.is("42501") => {
                return Ok(Self::Hidden("its schema may not be entered"));
            }
            Err(error) => return Err(error.into()),
        }
        let sees = auth_tables::sees_auth(&mut session).await?;
        Ok(if sees {
            Self::Here(session)
        } else {
            Self::Hidden("its tables may not be read, or row security hides their rows")
        })
    }
}

impl World {
    /// Returns the Auth of a tenant's own project; nothing where the tenant has no project.
    ///
    /// # Errors
    /// When the project cannot be entered, or is another tenant's.
    pub(crate) async fn own_auth(
        &self,
        tenant: &Tenant,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Option<OwnAuth>, HomeError> {
        if tenant.placement != Placement::Project {
            return Ok(None);
        }
        let home = self.home(tenant, deadline).await?;
        Ok(Some(OwnAuth::in_home(&home, purpose).await?))
    }
}
