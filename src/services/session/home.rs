//! Where a tenant's database is, found for a cut: soon, or not at all.

use std::time::Duration;

use super::layer::chain;
use crate::adapters::cluster::Cluster;
use crate::adapters::control_plane::ControlPlane;
use crate::model::{Classified, DatabaseName, ErrorKind, Placement, Tenant};
use crate::services::place::Places;

/// How long the way to a tenant's server may take to be found: somebody on call waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Why the tenant's server could not be reached; asking again at once would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reach the tenant's server: {0}")]
pub(super) struct Away(String);

impl Classified for Away {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
}

/// Finds the server that a tenant's database is on.
pub(super) async fn find(
    plane: &ControlPlane,
    places: &Places,
    tenant: &Tenant,
    patience: Duration,
) -> Result<Cluster, Away> {
    if database(tenant).is_none() {
        return Err(Away("there is no database".to_owned()));
    }
    let deadline = tokio::time::Instant::now() + patience.min(PATIENCE);
    let found = places.home(plane, tenant, deadline).await;
    found.map_err(|error| Away(chain(&error).join(": ")))
}

/// Returns the tenant's database, once there is somewhere for it to be.
pub(super) fn database(tenant: &Tenant) -> Option<&DatabaseName> {
    let has_place = tenant.placement == Placement::Database || tenant.project_ref.is_some();
    tenant.database.as_ref().filter(|_| has_place)
}
