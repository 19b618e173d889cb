//! What locking a tenant down and unlocking it take.

use std::time::Duration;

use crate::adapters::auth_admin::AuthAdmin;
use crate::model::{Actor, Reason, TenantRef};

/// A tenant to be cut off, or given back.
#[derive(Debug)]
pub(crate) struct LockdownRequest {
    pub tenant: TenantRef,
    pub reason: Reason,
    pub actor: Actor,
    /// How long to wait for sessions to end.
    pub patience: Duration,
    /// Supabase Auth's admin API, for where its tables are out of reach.
    pub auth_admin: Option<AuthAdmin>,
}
