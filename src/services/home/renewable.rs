//! A tenant's home, found for a lockdown or a revocation: soon, or not at all; and found again when
//! another command ended our login.

use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::Instant;

use super::homes::Homes;
use crate::adapters::control_plane::ControlPlane;
use crate::adapters::postgres::PgError;
use crate::adapters::server::Server;
use crate::model::{Classified, DatabaseName, ErrorKind, Placement, Tenant};

/// How long the way to a tenant's server may take to be found: somebody on call waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Why the tenant's server could not be reached; asking again at once would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reach the tenant's server: {0}")]
pub struct Away(String);

impl Classified for Away {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
}

/// The server that a tenant's database is on, found once for all that is done there.
///
/// A project hands out one login at a time: another command that asks for one ends ours, and then
/// it is found again.
pub struct RenewableHome<'a> {
    plane: &'a ControlPlane,
    places: &'a Homes,
    tenant: &'a Tenant,
    deadline: Instant,
    /// How often it was found, and what was found last.
    found: RwLock<(u32, Result<Server, Away>)>,
}

impl<'a> RenewableHome<'a> {
    /// Finds it.
    pub async fn find(
        plane: &'a ControlPlane,
        places: &'a Homes,
        tenant: &'a Tenant,
        patience: Duration,
    ) -> Self {
        let deadline = Instant::now() + patience.min(PATIENCE);
        let unknown = (0, Err(Away("it was not looked for".to_owned())));
        let home = Self { plane, places, tenant, deadline, found: RwLock::new(unknown) };
        home.renew(0).await;
        home
    }

    /// Returns the server.
    pub async fn server(&self) -> Result<Server, Away> {
        self.found.read().await.1.clone()
    }

    /// Returns how often it was found.
    pub async fn count(&self) -> u32 {
        self.found.read().await.0
    }

    /// Finds it again, unless somebody did since it had been found so many times.
    pub async fn renew(&self, count: u32) {
        let mut found = self.found.write().await;
        if found.0 == count {
            *found = (count + 1, Box::pin(self.look()).await);
        }
    }

    /// Returns whether our login was ended by somebody who asked for one, and there is time to get
    /// another.
    pub fn is_worth_renewing(&self, error: &PgError) -> bool {
        self.tenant.placement == Placement::Project
            && error.is("28P01")
            && Instant::now() < self.deadline
    }

    async fn look(&self) -> Result<Server, Away> {
        if recorded_database(self.tenant).is_none() {
            return Err(Away("there is no database".to_owned()));
        }
        let found = self.places.home(self.plane, self.tenant, self.deadline).await;
        found.map_err(|error| Away(error.chain().join(": ")))
    }
}

/// Returns the tenant's database, once there is somewhere for it to be.
pub fn recorded_database(tenant: &Tenant) -> Option<&DatabaseName> {
    let has_place = tenant.placement == Placement::Database || tenant.project_ref.is_some();
    tenant.database.as_ref().filter(|_| has_place)
}
