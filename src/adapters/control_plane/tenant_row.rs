//! A row of `tenant_metadata` as a tenant, or as its marks.

use std::collections::BTreeMap;

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

use crate::adapters::postgres::Reader;
use crate::model::{
    DatabaseName, Lock, Marks, Placement, Quarantine, SchemaState, SchemaVersion, Slug, Tenant,
    TenantId, TenantStatus,
};

/// The columns a tenant is read from, by their names.
pub(super) const TENANT_COLUMNS: &str = r"
    tenant_id, slug, name, plan, labels, status, quarantined_at, quarantine_reason, placement,
    project_ref, organization, database_name, database_oid, system_identifier, host, port, pooled, region,
    schema_version, schema_fingerprint, session_epoch, locked_at, locked_by, lock_reason,
    lock_proven_at, protected,
    status_before_delete, purge_after, credential, created_at, updated_at, deleted_at";

impl<'r> FromRow<'r, PgRow> for Tenant {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let reader = Reader { table: "tenant_metadata", key: "tenant_id", row };
        let id = TenantId(reader.get("tenant_id")?);
        let slug: Slug = reader.parse("slug")?;
        let labels: Json<BTreeMap<String, String>> = reader.get("labels")?;
        let quarantined_at: Option<OffsetDateTime> = reader.get("quarantined_at")?;
        let quarantine_reason: Option<String> = reader.get("quarantine_reason")?;
        let version: Option<i64> = reader.get("schema_version")?;
        let fingerprint: Option<String> = reader.get("schema_fingerprint")?;
        let database: Option<String> = reader.get("database_name")?;
        let database = database.map(|name| {
            let name = DatabaseName::recorded(&name, &slug, id);
            name.ok_or_else(|| reader.unfit("database_name"))
        });
        let oid: Option<i64> = reader.get("database_oid")?;
        let oid = oid.map(|oid| oid.try_into().map_err(|_| reader.unfit("database_oid")));
        let port: Option<i32> = reader.get("port")?;
        let port = port.map(|port| port.try_into().map_err(|_| reader.unfit("port")));
        let locked_at: Option<OffsetDateTime> = reader.get("locked_at")?;
        let lock = locked_at.map(|since| {
            let text = |column| reader.get::<Option<String>>(column);
            Ok::<_, sqlx::Error>(Lock {
                since,
                by: text("locked_by")?.unwrap_or_default(),
                reason: text("lock_reason")?.unwrap_or_default(),
                proven_at: reader.get("lock_proven_at")?,
            })
        });
        let lock = lock.transpose()?;
        Ok(Self {
            id,
            name: reader.get("name")?,
            plan: reader.get("plan")?,
            labels: labels.0,
            status: reader.parse::<TenantStatus>("status")?,
            quarantine: quarantined_at
                .map(|at| Quarantine { at, reason: quarantine_reason.unwrap_or_default() }),
            placement: reader.parse::<Placement>("placement")?,
            project_ref: reader.parse_optional("project_ref")?,
            organization: reader.get("organization")?,
            database: database.transpose()?,
            database_oid: oid.transpose()?,
            system_identifier: reader.get("system_identifier")?,
            host: reader.get("host")?,
            port: port.transpose()?,
            is_pooled: reader.get("pooled")?,
            region: reader.get("region")?,
            schema: fingerprint.map(|fingerprint| SchemaState {
                version: version.map(SchemaVersion),
                fingerprint,
            }),
            session_epoch: reader.get("session_epoch")?,
            lock,
            is_protected: reader.get("protected")?,
            status_before_delete: reader.parse_optional("status_before_delete")?,
            purge_after: reader.get("purge_after")?,
            credential: reader.get("credential")?,
            created_at: reader.get("created_at")?,
            updated_at: reader.get("updated_at")?,
            deleted_at: reader.get("deleted_at")?,
            slug,
        })
    }
}

impl<'r> FromRow<'r, PgRow> for Marks {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { epoch: row.try_get("epoch")?, not_before: row.try_get("not_before")? })
    }
}
