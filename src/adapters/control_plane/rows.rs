//! Rows of `tenant_metadata` turned into tenants.
//!
//! A row is hostile until parsed: somebody may have edited it by hand.

use std::collections::BTreeMap;
use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Row, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::adapters::postgres::PgError;
use crate::model::{
    DatabaseName, Placement, Quarantine, SchemaState, SchemaVersion, Slug, Tenant, TenantId,
    TenantStatus, escape_controls,
};

/// The columns of `tenant_metadata` in the order that no code relies on.
pub(super) const TENANT_COLUMNS: &str = "tenant_id, slug, name, plan, labels, status, \
    quarantined_at, quarantine_reason, placement, project_ref, database_name, database_oid, \
    system_identifier, host, port, pooled, region, schema_version, schema_fingerprint, session_epoch, \
    locked_at, lock_reason, protected, status_before_delete, purge_after, credential, created_at, \
    updated_at, deleted_at";

/// Reads a tenant from a row with `TENANT_COLUMNS`.
///
/// # Errors
/// When a column holds what the schema does not allow.
pub(super) fn tenant(row: &PgRow) -> Result<Tenant, PgError> {
    let reader = Reader { table: "tenant_metadata", row, key: "tenant_id" };
    let quarantined_at: Option<OffsetDateTime> = reader.get("quarantined_at")?;
    let quarantine_reason: Option<String> = reader.get("quarantine_reason")?;
    let version: Option<i32> = reader.get("schema_version")?;
    let fingerprint: Option<String> = reader.get("schema_fingerprint")?;
    let database: Option<String> = reader.get("database_name")?;
    let labels: Json<BTreeMap<String, String>> = reader.get("labels")?;
    let oid: Option<i64> = reader.get("database_oid")?;
    let port: Option<i32> = reader.get("port")?;
    let id = TenantId(reader.get::<Uuid>("tenant_id")?);
    let slug = reader.parse::<Slug>("slug")?;
    Ok(Tenant {
        id,
        name: reader.get("name")?,
        plan: reader.get("plan")?,
        labels: labels.0,
        status: reader.parse::<TenantStatus>("status")?,
        quarantine: quarantined_at
            .map(|at| Quarantine { at, reason: quarantine_reason.unwrap_or_default() }),
        placement: reader.parse::<Placement>("placement")?,
        project_ref: reader.parse_optional("project_ref")?,
        database: match database {
            None => None,
            Some(name) => Some(
                DatabaseName::recorded(&name, &slug, id)
                    .ok_or_else(|| reader.inconsistency("database_name"))?,
            ),
        },
        database_oid: match oid {
            None => None,
            Some(oid) => {
                Some(u32::try_from(oid).map_err(|_| reader.inconsistency("database_oid"))?)
            }
        },
        system_identifier: reader.get("system_identifier")?,
        host: reader.get("host")?,
        port: match port {
            None => None,
            Some(port) => Some(u16::try_from(port).map_err(|_| reader.inconsistency("port"))?),
        },
        is_pooled: reader.get("pooled")?,
        region: reader.get("region")?,
        schema: fingerprint
            .map(|fingerprint| SchemaState { version: version.map(SchemaVersion), fingerprint }),
        session_epoch: reader.get("session_epoch")?,
        locked_at: reader.get("locked_at")?,
        lock_reason: reader.get("lock_reason")?,
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

/// Reads columns and names the table, the column and the row when one does not fit.
pub(super) struct Reader<'r> {
    pub(super) table: &'static str,
    pub(super) row: &'r PgRow,
    /// The column that identifies the row to a person.
    pub(super) key: &'static str,
}

impl<'r> Reader<'r> {
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, PgError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        self.row.try_get(column).map_err(|_| self.inconsistency(column))
    }

    pub(super) fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, PgError> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| self.inconsistency(column))
    }

    pub(super) fn parse_optional<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, PgError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|_| self.inconsistency(column))).transpose()
    }

    pub(super) fn inconsistency(&self, column: &'static str) -> PgError {
        let key = self.row.try_get::<Uuid, _>(self.key).map(|id| id.to_string());
        let key = key.or_else(|_| self.row.try_get::<String, _>(self.key));
        PgError::Inconsistency {
            table: self.table,
            column,
            row: escape_controls(&key.unwrap_or_else(|_| "?".to_owned())),
        }
    }
}
