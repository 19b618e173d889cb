//! The names of the two roles that every tenant's database relies on.

/// Owns every tenant's database and all that is in it; it cannot log in.
pub(super) const OWNER: &str = "tenantctl_owner";
/// Holds the application's grants; each tenant's login is a member.
pub(super) const APP: &str = "tenantctl_app";
