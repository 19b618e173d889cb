//! Looking again at a tenant whose record the evidence contradicted.

use tokio::time::Instant;

use super::error::HomeError;
use super::world::World;
use crate::adapters::postgres::Purpose;
use crate::model::{Placement, Tenant};

impl World {
    /// Returns whether the evidence still contradicts a tenant's record.
    ///
    /// # Errors
    /// When its server cannot be looked at.
    pub(crate) async fn is_still_contradicted(
        &self,
        tenant: &Tenant,
        deadline: Instant,
    ) -> Result<bool, HomeError> {
        match (tenant.placement, &tenant.database, &tenant.project_ref) {
            // Quarantined before it had a project: because two projects carry its name.
            (Placement::Project, _, None) | (Placement::Project, None, _) => {
                match self.homes.projects()?.find(tenant, deadline).await {
                    Err(error) if error.is_contradiction() => Ok(true),
                    found => found.map(|_| false),
                }
            }
            (Placement::Project, Some(_), Some(_)) => {
                let purpose = Purpose::query("look");
                let (home, mut operator) = match self.operator(tenant, purpose, deadline).await {
                    // What is gone contradicts nothing.
                    Err(HomeError::Gone(_)) => {
                        return self.prove_gone(tenant, deadline).await.map(|_| false);
                    }
                    found => found?,
                };
                let stamped = home.is_stamped_inside(&mut operator).await;
                // One without a stamp is ours only while nothing was registered.
                Ok(!stamped.is_ok_and(|is_stamped| is_stamped || tenant.host.is_none()))
            }
            (Placement::Database, None, _) => Ok(true),
            (Placement::Database, Some(_), _) => {
                let purpose = Purpose::query("look");
                let (home, mut operator) = self.operator(tenant, purpose, deadline).await?;
                let found = home.look(&mut operator).await?;
                // By its stamp: that it has another oid means that it was restored.
                let is_recorded = tenant.database_oid.is_some();
                let is_ours =
                    found.is_none_or(|found| home.check_stamped(&found, is_recorded).is_ok());
                Ok(!is_ours)
            }
        }
    }
}

/// Returns what of its home a tenant never came to have, so that there is nothing to open or to
/// close.
pub(crate) fn missing_part(tenant: &Tenant) -> Option<&'static str> {
    match (&tenant.database, tenant.placement) {
        (None, _) => Some("database"),
        (Some(_), Placement::Project) if tenant.host.is_none() => Some("login"),
        (Some(_), _) => None,
    }
}

/// Returns whether the tenant never came to have a database anywhere.
pub(super) fn missing_place(tenant: &Tenant) -> bool {
    tenant.database.is_none()
        || (tenant.placement == Placement::Project && tenant.project_ref.is_none())
}
