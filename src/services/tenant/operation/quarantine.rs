//! A tenant whose record the evidence contradicts: refused, until a look finds it settled.

use tokio::time::Instant;

use super::hold::Held;
use crate::adapters::control_plane;
use crate::model::{Act, Tenant, instant};
use crate::services::home::World;
use crate::services::tenant::error::TenantError;

/// Refuses a tenant whose record the evidence contradicts.
pub(in crate::services::tenant) fn refuse_quarantined(
    tenant: &Tenant,
    act: Act,
) -> Result<(), TenantError> {
    match &tenant.quarantine {
        None => Ok(()),
        Some(quarantine) => Err(TenantError::Quarantined {
            act,
            slug: tenant.slug.to_string(),
            since: instant(quarantine.at),
            reason: quarantine.reason.clone(),
        }),
    }
}

impl Held {
    /// Looks at a quarantined tenant again, and refuses it while the evidence still contradicts.
    ///
    /// A person who moved the other tenant's resource away has decided; nothing else lifts a
    /// quarantine.
    pub(in crate::services::tenant) async fn settle_quarantine(
        &mut self,
        world: &World,
        act: Act,
        deadline: Instant,
    ) -> Result<(), TenantError> {
        if self.tenant.quarantine.is_none() {
            return Ok(());
        }
        if world.is_still_contradicted(&self.tenant, deadline).await? {
            return refuse_quarantined(&self.tenant, act);
        }
        control_plane::lift_quarantine(&mut self.connection, self.tenant.id).await?;
        Ok(())
    }
}

/// Returns whether a tenant is an adoption that never reached its stamp: then what it names is left
/// alone, unless it is stamped all the same, and a quarantine says only that it is another's.
pub(in crate::services::tenant) async fn never_stamped(
    held: &mut Held,
) -> Result<bool, TenantError> {
    let tenant = &held.tenant;
    let connection = &mut held.connection;
    let is_bare =
        tenant.host.is_none() && control_plane::was_taken_in(connection, tenant.id).await?;
    if is_bare && tenant.quarantine.is_some() {
        control_plane::lift_quarantine(connection, tenant.id).await?;
    }
    Ok(is_bare)
}
