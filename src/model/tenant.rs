//! A tenant as the control plane records it.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::database_name::DatabaseName;
use super::ids::TenantId;
use super::placement::Placement;
use super::project::ProjectRef;
use super::schema::SchemaState;
use super::slug::Slug;
use super::tenant_status::TenantStatus;

/// A contradiction between the record and what was found. Commands that would change the tenant's
/// database refuse it, until they look again and find it resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantine {
    pub at: OffsetDateTime,
    /// What contradicts the record, as text.
    pub reason: String,
}

/// A lockdown that holds, beside whatever status the tenant has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    pub since: OffsetDateTime,
    /// Who asked for it last, and why.
    pub by: String,
    pub reason: String,
    /// When the newest `lockdown` saw every probe refused; none while that was not seen.
    pub proven_at: Option<OffsetDateTime>,
}

/// A tenant as the control plane records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: String,
    pub plan: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub status: TenantStatus,
    pub quarantine: Option<Quarantine>,
    pub placement: Placement,
    /// For placement `project`, once the project was created.
    pub project_ref: Option<ProjectRef>,
    /// The slug of the organization that the project was asked for in.
    pub organization: Option<String>,
    /// Set once its name was chosen.
    pub database: Option<DatabaseName>,
    /// For placement `database`, once registered. It means something on the recorded server only.
    pub database_oid: Option<u32>,
    /// The recorded server's `pg_control_system().system_identifier`, where we may read it. A hint:
    /// copies of one server share it.
    pub system_identifier: Option<String>,
    /// The host that applications connect to, once registered.
    pub host: Option<String>,
    pub port: Option<u16>,
    /// Whether `host` is Supabase's pooler, which takes `<login>.<ref>` as the user name.
    pub is_pooled: bool,
    /// For placement `project`.
    pub region: Option<String>,
    /// As recorded after the last migration.
    pub schema: Option<SchemaState>,
    /// Sessions with a lower epoch are revoked.
    pub session_epoch: i64,
    /// Whether access is refused, in whatever status.
    pub lock: Option<Lock>,
    /// Whether `tenant delete` is refused.
    pub is_protected: bool,
    /// The status that `tenant restore` gives back.
    pub status_before_delete: Option<TenantStatus>,
    pub purge_after: Option<OffsetDateTime>,
    /// The login's password, sealed with the secret key.
    pub credential: Option<Vec<u8>>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub deleted_at: Option<OffsetDateTime>,
}

impl Tenant {
    /// Returns whether a lockdown holds.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }
}
