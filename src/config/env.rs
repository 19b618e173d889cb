//! Every environment variable we read, by name and meaning.
//!
//! libpq's variables (`PGHOST`, `PGOPTIONS` …) are deliberately not among them: a parent process
//! must not be able to send an operator's command to another server.

use std::ffi::OsString;

/// The process's environment, or a test's.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Reads a variable of the process's environment.
pub fn environment(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var_os(name)
}

/// Which `[profiles.NAME]` table applies.
pub(super) const PROFILE: &str = "TENANTCTL_PROFILE";
/// The control plane's connection string.
pub(super) const CONTROL_PLANE_URL: &str = "TENANTCTL_CONTROL_PLANE_URL";
/// Where new tenants' databases live: `project` or `database`.
pub(super) const PLACEMENT: &str = "TENANTCTL_PLACEMENT";
/// The cluster's connection string, for placement `database`.
pub(super) const CLUSTER_URL: &str = "TENANTCTL_CLUSTER_URL";
/// The key that seals stored credentials: 32 bytes in base64 or hex.
pub(super) const SECRET_KEY: &str = "TENANTCTL_SECRET_KEY";
/// A folder of domain migrations to use instead of the embedded ones.
pub(super) const MIGRATIONS_DIR: &str = "TENANTCTL_MIGRATIONS_DIR";
/// A folder of seed sets to use instead of the embedded ones.
pub(super) const SEEDS_DIR: &str = "TENANTCTL_SEEDS_DIR";
/// The access token of Supabase's Management API; the name Supabase's own tools use.
pub(super) const ACCESS_TOKEN: &str = "SUPABASE_ACCESS_TOKEN";
/// Where the Management API is.
pub(super) const MANAGEMENT_API_URL: &str = "TENANTCTL_MANAGEMENT_API_URL";
/// The organization that new projects are made in, by its slug.
pub(super) const ORGANIZATION: &str = "TENANTCTL_ORGANIZATION";
/// The region that new projects are made in when nobody names another.
pub(super) const REGION: &str = "TENANTCTL_REGION";
/// A file of certificate authorities that projects' databases are verified by.
pub(super) const PROJECT_ROOT_CERT: &str = "TENANTCTL_PROJECT_ROOT_CERT";
/// Who acts, for the audit trail.
pub(super) const ACTOR: &str = "TENANTCTL_ACTOR";
/// Where the private local Postgres and caches live.
pub(super) const DATA_DIR: &str = "TENANTCTL_DATA_DIR";
/// A folder with `initdb`, `pg_ctl` and `postgres` for the private local Postgres.
pub(super) const POSTGRES_BIN: &str = "TENANTCTL_POSTGRES_BIN";
/// The Auth server's address, whose name is the issuer of its tokens.
pub(super) const AUTH_URL: &str = "TENANTCTL_AUTH_URL";
/// Where the keys that sign tokens are published, when not at the Auth server's usual place.
pub(super) const JWKS_URL: &str = "TENANTCTL_JWKS_URL";
/// The secret that HS256 tokens are signed with.
pub(super) const JWT_SECRET: &str = "TENANTCTL_JWT_SECRET";
/// The key that Auth's admin API is entered with.
pub(super) const AUTH_SERVICE_KEY: &str = "TENANTCTL_AUTH_SERVICE_KEY";
