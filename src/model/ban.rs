//! A user's ban in Supabase Auth, as a lockdown replaces it and gives it back.

use super::ids::UserId;

/// A ban that a lockdown wrote, and what it replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ban {
    pub user: UserId,
    /// Until when they were banned before, as text the server reads back.
    pub until_before: Option<String>,
}
