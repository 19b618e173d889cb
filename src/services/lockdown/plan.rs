//! What locking a tenant down, or unlocking it, would do; nothing is changed.

use super::error::LockdownError;
use super::lock::find;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::{Act, Tenant, TenantRef};

/// The plan of a lockdown or an unlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockdownPlan {
    /// Lockdown or unlock.
    pub act: Act,
    /// The tenant as it is.
    pub tenant: Tenant,
    /// What would be done, by layer and in words; empty when there is nothing to do.
    pub layers: Vec<(&'static str, &'static str)>,
}

/// Returns what locking the tenant down would do.
pub(crate) async fn plan_lockdown(
    plane: &ControlPlane,
    named: &TenantRef,
) -> Result<LockdownPlan, LockdownError> {
    let tenant = find(plane, named).await?;
    let layers = vec![
        ("control_plane", "raise the epoch and lock the tenant: every session is refused"),
        ("gate", "lock the gate in the tenant's database"),
        ("auth", "ban the tenant's users in Supabase Auth and end their sessions"),
        ("connections", "forbid the login and end its sessions"),
        ("probes", "try a session, the gate and a login"),
    ];
    Ok(LockdownPlan { act: Act::Lockdown, tenant, layers })
}

/// Returns what unlocking the tenant would do.
pub(crate) async fn plan_unlock(
    plane: &ControlPlane,
    named: &TenantRef,
) -> Result<LockdownPlan, LockdownError> {
    let tenant = find(plane, named).await?;
    let open = control_plane::find_lockdown(&mut *plane.session().await?, tenant.id).await?;
    let layers = match open {
        None => Vec::new(),
        Some(_) => vec![
            ("connections", "give the login back the access that it had"),
            ("auth", "lift the bans that the lockdown set"),
            ("control_plane", "unlock the tenant; sessions from before stay dead"),
            ("gate", "unlock the gate in the tenant's database"),
        ],
    };
    Ok(LockdownPlan { act: Act::Unlock, tenant, layers })
}
