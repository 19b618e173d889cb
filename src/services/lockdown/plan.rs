//! What locking a tenant down, or unlocking it, would do; nothing is changed.

use super::error::LockdownError;
use super::lock::find;
use crate::adapters::control_plane::{self, BannedBy, ControlPlane, SessionScope};
use crate::model::{Act, Tenant, TenantRef};

/// The plan of a lockdown or an unlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockdownPlan {
    /// Lockdown or unlock.
    pub act: Act,
    /// The tenant as it is.
    pub tenant: Tenant,
    /// How many sessions are valid now.
    pub sessions: i64,
    /// How many users its lockdown banned.
    pub banned: usize,
    /// What would be done, by layer and in words; empty when there is nothing to do.
    pub layers: Vec<(&'static str, &'static str)>,
}

impl LockdownPlan {
    /// Returns what would be done, in a clause.
    pub(crate) fn what(&self) -> &'static str {
        if self.layers.is_empty() { "nothing to do: it is not locked" } else { self.act.word() }
    }
}

/// Returns what locking the tenant down, or unlocking it, would do.
pub(crate) async fn plan(
    plane: &ControlPlane,
    act: Act,
    named: &TenantRef,
) -> Result<LockdownPlan, LockdownError> {
    let tenant = find(plane, named).await?;
    let mut session = plane.session().await?;
    let lockdown = control_plane::find_lockdown(&mut session, tenant.id).await?;
    let is_open = lockdown.is_some();
    let banned = [BannedBy::Tables, BannedBy::AdminApi, BannedBy::Project].map(|by| {
        let kept = lockdown.as_ref().and_then(|lockdown| lockdown.saved.get(by.word()));
        kept.and_then(serde_json::Value::as_object).map_or(0, serde_json::Map::len)
    });
    let banned = banned.iter().sum();
    let layers = match (act, is_open) {
        (Act::Unlock, false) => Vec::new(),
        (Act::Unlock, true) => vec![
            ("connections", "give the login back the access that it had"),
            ("auth", "lift the bans that the lockdown set"),
            ("control_plane", "unlock the tenant; sessions from before stay dead"),
            ("gate", "unlock the gate in the tenant's database"),
        ],
        _ => vec![
            ("control_plane", "raise the epoch and lock the tenant: every session is refused"),
            ("gate", "lock the gate in the tenant's database"),
            ("auth", "ban the tenant's users in Supabase Auth and end their sessions"),
            ("connections", "forbid the login and end its sessions"),
            ("probes", "try a session, the gate and a login"),
        ],
    };
    let scope = SessionScope::Tenant(tenant.id);
    let sessions = control_plane::count_live(&mut session, &scope).await?;
    Ok(LockdownPlan { act, tenant, sessions, banned, layers })
}
