//! What locking tenants down and unlocking them take.

use super::roll::Roll;
use crate::adapters::auth_admin::AuthAdmin;
use crate::model::{Actor, Patience, Reason};

/// Why, by whom and how long; which tenant it is about is said beside it.
#[derive(Debug)]
pub(crate) struct LockdownRequest {
    pub reason: Reason,
    pub actor: Actor,
    /// How long to wait for sessions to end.
    pub patience: Patience,
    /// Supabase Auth's admin API, for where its tables are out of reach.
    pub auth_admin: Option<AuthAdmin>,
    /// Its list of users, read once for all lockdowns of the command.
    pub roll: Roll,
}
