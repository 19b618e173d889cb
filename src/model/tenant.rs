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

/// Why nobody may touch a tenant until a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Since when.
    pub at: OffsetDateTime,
    /// What contradicts the record.
    pub reason: String,
}

/// A tenant as the control plane records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The id that rows and tokens carry.
    pub id: TenantId,
    /// What people type.
    pub slug: Slug,
    /// What people read.
    pub name: String,
    /// The plan it is on, if any.
    pub plan: Option<String>,
    /// Keys and values it is grouped by.
    pub labels: BTreeMap<String, String>,
    /// Where it stands in its life.
    pub status: TenantStatus,
    /// Set while the evidence contradicts the record.
    pub quarantine: Option<Quarantine>,
    /// Where its database lives.
    pub placement: Placement,
    /// The Supabase project, for placement `project`.
    pub project_ref: Option<ProjectRef>,
    /// The database, once it was chosen.
    pub database: Option<DatabaseName>,
    /// The database's oid, once it was seen.
    pub database_oid: Option<u32>,
    /// The cluster's own identifier, once it was seen.
    pub system_identifier: Option<String>,
    /// The host applications connect to, once registered.
    pub host: Option<String>,
    /// The port applications connect to, once registered.
    pub port: Option<u16>,
    /// Whether a pooler answers there, which wants the project's ref behind the login's name.
    pub is_pooled: bool,
    /// The region, for placement `project`.
    pub region: Option<String>,
    /// The schema as recorded after the last migration.
    pub schema: Option<SchemaState>,
    /// Raised to revoke every session below it.
    pub session_epoch: i64,
    /// Since when it is locked down.
    pub locked_at: Option<OffsetDateTime>,
    /// Why it is locked down.
    pub lock_reason: Option<String>,
    /// Whether deleting is refused.
    pub is_protected: bool,
    /// What `tenant restore` brings it back to.
    pub status_before_delete: Option<TenantStatus>,
    /// When a deleted tenant may be purged.
    pub purge_after: Option<OffsetDateTime>,
    /// The application's password, sealed; never shown.
    pub credential: Option<Vec<u8>>,
    /// When it was reserved.
    pub created_at: OffsetDateTime,
    /// When its row last changed.
    pub updated_at: OffsetDateTime,
    /// When it was deleted.
    pub deleted_at: Option<OffsetDateTime>,
}
