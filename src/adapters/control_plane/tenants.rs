//! `control_plane.tenant_metadata`: one function, one statement.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ControlPlaneError;
use super::rows::{self, TENANT_COLUMNS};
use crate::adapters::postgres::PgError;
use crate::model::{
    Actor, DatabaseName, Label, Placement, ProjectRef, SchemaState, Selector, Slug, Tenant,
    TenantId, TenantStatus,
};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A tenant to be reserved.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// The id it gets.
    pub id: TenantId,
    /// What people type.
    pub slug: Slug,
    /// What people read.
    pub name: String,
    /// The plan, if any.
    pub plan: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where its database will live.
    pub placement: Placement,
    /// The database's name, decided before anything is made; nothing while there is no project
    /// to hold it.
    pub database: Option<DatabaseName>,
    /// The region, if one was asked for.
    pub region: Option<String>,
}

/// Where a tenant's database was found to be.
#[derive(Debug, Clone)]
pub struct Address {
    /// The host applications connect to.
    pub host: String,
    /// The port applications connect to.
    pub port: u16,
    /// Whether a pooler answers there.
    pub is_pooled: bool,
    /// The database's oid.
    pub database_oid: u32,
    /// The cluster's own identifier, when we may read it.
    pub system_identifier: Option<String>,
    /// The application's password, sealed; nothing when it is not kept.
    pub credential: Option<Vec<u8>>,
}

/// What to list, and from where.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// Only these; otherwise every one that is not purged.
    pub status: Option<TenantStatus>,
    /// Only this plan.
    pub plan: Option<String>,
    /// Only with all of these labels.
    pub labels: Vec<Label>,
    /// Only where slug or name contain this, case aside.
    pub search: Option<String>,
}

impl TenantFilter {
    /// Returns whether it leaves nothing out but the purged.
    pub fn is_everything(&self) -> bool {
        self.status.is_none()
            && self.plan.is_none()
            && self.labels.is_empty()
            && self.search.is_none()
    }
}

/// Turns labels into the object the database holds.
pub fn labels_of(labels: &[Label]) -> BTreeMap<String, String> {
    labels.iter().map(|label| (label.key.clone(), label.value.clone())).collect()
}

/// Reserves the slug; nothing when a tenant that is not purged has it.
///
/// # Errors
/// When the id was used before, or the server does not answer.
pub async fn reserve(connection: &mut PgConnection, new: &NewTenant) -> Result<Option<Tenant>> {
    let text = format!(
        "INSERT INTO control_plane.tenant_metadata \
         (tenant_id, slug, name, plan, labels, placement, database_name, region) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (slug) WHERE status <> 'purged' DO NOTHING RETURNING {TENANT_COLUMNS}"
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(new.id.0)
        .bind(new.slug.as_str())
        .bind(&new.name)
        .bind(&new.plan)
        .bind(Json(&new.labels))
        .bind(new.placement.word())
        .bind(new.database.as_ref().map(DatabaseName::as_str))
        .bind(&new.region)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("reserve the slug"))?;
    optional(row.as_ref())
}

/// Finds the tenant that has the slug now, purged ones aside.
///
/// # Errors
/// When the server does not answer.
pub async fn find_live(connection: &mut PgConnection, slug: &Slug) -> Result<Option<Tenant>> {
    let text = format!(
        "SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata \
         WHERE slug = $1 AND status <> 'purged'"
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(slug.as_str())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    optional(row.as_ref())
}

/// Finds the tenant that has the slug now, else the last one that had it.
///
/// # Errors
/// When the server does not answer.
pub async fn find_any(connection: &mut PgConnection, slug: &Slug) -> Result<Option<Tenant>> {
    let text = format!(
        "SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata WHERE slug = $1 \
         ORDER BY (status <> 'purged') DESC, created_at DESC LIMIT 1"
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(slug.as_str())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    optional(row.as_ref())
}

/// Finds a tenant by its id.
///
/// # Errors
/// When the server does not answer.
pub async fn find_by_id(connection: &mut PgConnection, id: TenantId) -> Result<Option<Tenant>> {
    let text =
        format!("SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata WHERE tenant_id = $1");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(id.0)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    optional(row.as_ref())
}

/// Returns the moment by this database's clock, and whether any tenant has a Supabase project.
///
/// # Errors
/// When the server does not answer.
pub async fn list_begins(connection: &mut PgConnection) -> Result<(OffsetDateTime, bool)> {
    let began = sqlx::query_as(
        "SELECT clock_timestamp(), EXISTS (SELECT FROM control_plane.tenant_metadata \
         WHERE project_ref IS NOT NULL AND status <> 'purged')",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("begin the list"))?;
    Ok(began)
}

/// Returns when the tenants with these ids, purged ones included, were last changed.
///
/// # Errors
/// When the server does not answer.
pub async fn last_changes(
    connection: &mut PgConnection,
    ids: &[TenantId],
) -> Result<Vec<(Uuid, OffsetDateTime)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let changes = sqlx::query_as(
        "SELECT tenant_id, updated_at FROM control_plane.tenant_metadata \
         WHERE tenant_id = ANY ($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("look for records of what was found"))?;
    Ok(changes)
}

/// Returns up to `limit` tenants whose slug comes after `after`, by slug: a page whose cost does
/// not grow with its number.
///
/// # Errors
/// When the server does not answer.
pub async fn list_page(
    connection: &mut PgConnection,
    filter: &TenantFilter,
    after: Option<(&Slug, TenantId)>,
    limit: i64,
) -> Result<Vec<Tenant>> {
    let text = format!(
        "SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata \
         WHERE (($1::text IS NULL AND status <> 'purged') OR status = $1) \
         AND ($2::text IS NULL OR plan = $2) AND labels @> $3 \
         AND ($4::text IS NULL OR strpos(lower(slug || ' ' || name), lower($4)) > 0) \
         AND ($5::text IS NULL OR (slug, tenant_id) > ($5, $6)) \
         ORDER BY slug, tenant_id LIMIT $7"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(filter.status.map(TenantStatus::word))
        .bind(&filter.plan)
        .bind(Json(labels_of(&filter.labels)))
        .bind(&filter.search)
        .bind(after.map(|(slug, _)| slug.as_str()))
        .bind(after.map_or(Uuid::nil(), |(_, id)| id.0))
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the tenants"))?;
    all(&rows)
}

/// Returns the tenants a selector means, by slug, deleted and purged ones only when asked for by
/// name or status.
///
/// # Errors
/// When the server does not answer.
pub async fn select(connection: &mut PgConnection, selector: &Selector) -> Result<Vec<Tenant>> {
    let text = format!(
        "SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata \
         WHERE status <> 'purged' AND NOT slug = ANY ($1) AND (slug = ANY ($2) OR ($3 \
         AND CASE WHEN $4::text IS NULL THEN status NOT IN ('deleted', 'purging') \
                  ELSE status = $4 END AND labels @> $5)) ORDER BY slug"
    );
    let texts = |slugs: &[Slug]| slugs.iter().map(|slug| slug.as_str().to_owned()).collect();
    let (excluded, named): (Vec<String>, Vec<String>) =
        (texts(&selector.exclude), texts(&selector.slugs));
    let by_property = selector.all || !selector.labels.is_empty() || selector.status.is_some();
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(excluded)
        .bind(named)
        .bind(by_property)
        .bind(selector.status.map(TenantStatus::word))
        .bind(Json(labels_of(&selector.labels)))
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("select the tenants"))?;
    all(&rows)
}

/// Records where the tenant's database is and how the application logs in.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn record_address(
    connection: &mut PgConnection,
    id: TenantId,
    address: &Address,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET host = $2, port = $3, database_oid = $4, \
         system_identifier = $5, credential = $6, pooled = $7 WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(&address.host)
    .bind(i32::from(address.port))
    .bind(i64::from(address.database_oid))
    .bind(&address.system_identifier)
    .bind(&address.credential)
    .bind(address.is_pooled)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the database's address"))?;
    one(done.rows_affected())
}

/// Records which project a tenant has, at once when it is known: from here on it is found by its
/// ref and not by its name.
///
/// # Errors
/// When another tenant has that project, the tenant is gone, or the server does not answer.
pub async fn record_project(
    connection: &mut PgConnection,
    id: TenantId,
    project: &ProjectRef,
    database: &DatabaseName,
    region: Option<&str>,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET project_ref = $2, database_name = $3, \
         region = coalesce(region, $4) WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(project.as_str())
    .bind(database.as_str())
    .bind(region)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the tenant's project"))?;
    one(done.rows_affected())
}

/// Returns the tenant that has this project, or this database of the cluster, purged ones aside.
///
/// # Errors
/// When the server does not answer.
pub async fn find_by_place(
    connection: &mut PgConnection,
    project: Option<&ProjectRef>,
    database: Option<&str>,
) -> Result<Option<Tenant>> {
    let text = format!(
        "SELECT {TENANT_COLUMNS} FROM control_plane.tenant_metadata WHERE status <> 'purged' \
         AND (project_ref = $1 OR (placement = 'database' AND database_name = $2)) LIMIT 1"
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(project.map(ProjectRef::as_str))
        .bind(database)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look who has that place"))?;
    optional(row.as_ref())
}

/// Records a new sealed password, or that none is kept.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn record_credential(
    connection: &mut PgConnection,
    id: TenantId,
    credential: Option<&[u8]>,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET credential = $2 WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(credential)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the credential"))?;
    one(done.rows_affected())
}

/// Records where a tenant's schema stands, after the tenant's own commit: a crash in between
/// leaves the record too low, and looking again costs nothing.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn record_schema(
    connection: &mut PgConnection,
    id: TenantId,
    schema: &SchemaState,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET schema_version = $2, schema_fingerprint = $3 \
         WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(schema.version.map(|version| version.0))
    .bind(&schema.fingerprint)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the schema version"))?;
    one(done.rows_affected())
}

/// Makes a provisioned tenant active: the one commit point of its creation.
///
/// # Errors
/// When it is no longer provisioning, or the server does not answer.
pub async fn set_active(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET status = 'active' \
         WHERE tenant_id = $1 AND status = 'provisioning' AND locked_at IS NULL",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("activate the tenant"))?;
    one(done.rows_affected())
}

/// Cuts a tenant off in the control plane: status, purge date and sessions in one statement.
///
/// # Errors
/// When it is in no state to be deleted, or the server does not answer.
pub async fn set_deleted(
    connection: &mut PgConnection,
    id: TenantId,
    grace_seconds: i64,
    actor: &Actor,
) -> Result<OffsetDateTime> {
    let purge_after: Option<OffsetDateTime> = sqlx::query_scalar(
        r"WITH deleted AS (
            UPDATE control_plane.tenant_metadata SET status_before_delete = status,
                status = 'deleted', deleted_at = clock_timestamp(),
                session_epoch = session_epoch + 1,
                sessions_not_before = greatest(sessions_not_before, clock_timestamp()),
                purge_after = clock_timestamp() + make_interval(secs => $2::double precision)
            WHERE tenant_id = $1 AND status IN ('provisioning', 'active', 'locked')
            RETURNING session_epoch, purge_after
        ), recorded AS (
            INSERT INTO control_plane.epochs (tenant_id, number, act, actor)
            SELECT $1, session_epoch, 'delete', $3 FROM deleted)
        SELECT purge_after FROM deleted",
    )
    .bind(id.0)
    .bind(grace_seconds)
    .bind(actor.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("delete the tenant"))?;
    purge_after.ok_or(ControlPlaneError::Changed("the tenant"))
}

/// Brings a deleted tenant back to the status it had; its old sessions stay dead.
///
/// # Errors
/// When it is not deleted, or the server does not answer.
pub async fn set_restored(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET status = status_before_delete, \
         status_before_delete = NULL, deleted_at = NULL, purge_after = NULL \
         WHERE tenant_id = $1 AND status = 'deleted'",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("restore the tenant"))?;
    one(done.rows_affected())
}

/// Passes the point of no return: from here on only `purged` follows.
///
/// # Errors
/// When it is not deleted, or the server does not answer.
pub async fn set_purging(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET status = 'purging' \
         WHERE tenant_id = $1 AND status = 'deleted'",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("record the purge"))?;
    one(done.rows_affected())
}

/// Records that everything is gone. The row stays; the slug is free, the id is not.
///
/// # Errors
/// When it is not purging, or the server does not answer.
pub async fn set_purged(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET status = 'purged', credential = NULL \
         WHERE tenant_id = $1 AND status = 'purging'",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("record that the tenant is purged"))?;
    one(done.rows_affected())
}

/// Switches the protection against deletion on or off; returns whether that changed anything.
///
/// # Errors
/// When the server does not answer.
pub async fn set_protected(
    connection: &mut PgConnection,
    id: TenantId,
    is_protected: bool,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET protected = $2 \
         WHERE tenant_id = $1 AND protected <> $2",
    )
    .bind(id.0)
    .bind(is_protected)
    .execute(connection)
    .await
    .map_err(PgError::doing("change the tenant's protection"))?;
    Ok(done.rows_affected() == 1)
}

/// Marks that the evidence contradicts the record, so that nobody touches the tenant.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn quarantine(connection: &mut PgConnection, id: TenantId, reason: &str) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET quarantine_reason = $2, \
         quarantined_at = coalesce(quarantined_at, clock_timestamp()) WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(crate::model::shorten(reason, 500))
    .execute(connection)
    .await
    .map_err(PgError::doing("quarantine the tenant"))?;
    one(done.rows_affected())
}

/// Lifts a quarantine, once the evidence no longer contradicts.
///
/// # Errors
/// When the tenant is gone or the server does not answer.
pub async fn lift_quarantine(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let done = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET quarantined_at = NULL, quarantine_reason = NULL \
         WHERE tenant_id = $1",
    )
    .bind(id.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("lift the quarantine"))?;
    one(done.rows_affected())
}

fn optional(row: Option<&PgRow>) -> Result<Option<Tenant>> {
    Ok(row.map(rows::tenant).transpose()?)
}

fn all(found: &[PgRow]) -> Result<Vec<Tenant>> {
    let tenants: std::result::Result<Vec<_>, _> = found.iter().map(rows::tenant).collect();
    Ok(tenants?)
}

fn one(rows_affected: u64) -> Result<()> {
    if rows_affected == 1 { Ok(()) } else { Err(ControlPlaneError::Changed("the tenant")) }
}
