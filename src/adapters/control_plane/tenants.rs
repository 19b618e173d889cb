//! `control_plane.tenant_metadata`, reserved and read.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use super::tenant_row::TENANT_COLUMNS;
use crate::adapters::postgres::{PgError, row};
use crate::model::{
    DatabaseName, Label, Marks, Placement, ProjectRef, Selector, Slug, Tenant, TenantId, TenantRef,
    TenantStatus,
};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A tenant to be reserved.
#[derive(Debug, Clone)]
pub(crate) struct NewTenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: String,
    pub plan: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub placement: Placement,
    /// Decided before the database is created; none while there is no project to hold it.
    pub database: Option<DatabaseName>,
    pub region: Option<String>,
}

/// Which tenants to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantFilter {
    /// Without one, every status but `purged`.
    pub status: Option<TenantStatus>,
    pub plan: Option<String>,
    /// Tenants that have all of these.
    pub labels: Vec<Label>,
    /// Tenants whose slug or name contains this, whatever the case.
    pub search: Option<String>,
    /// Only tenants that are locked down.
    pub locked: bool,
}

impl TenantFilter {
    /// Returns whether it leaves out the purged and no others.
    pub(crate) fn is_everything(&self) -> bool {
        self.status.is_none()
            && self.plan.is_none()
            && self.labels.is_empty()
            && self.search.is_none()
            && !self.locked
    }
}

row! {
    /// The state a list begins from.
    pub(crate) struct ListStart {
        /// The present moment by this database's clock.
        pub began: OffsetDateTime,
        /// Whether a tenant has a Supabase project.
        pub has_projects: bool,
    }
}

row! {
    /// When a tenant was last changed.
    pub(crate) struct LastChange {
        pub tenant_id: Uuid,
        pub updated_at: OffsetDateTime,
    }
}

/// Reserves the slug; none when a tenant that is not purged has it.
///
/// # Errors
/// When the id was used before.
pub(crate) async fn reserve(
    connection: &mut PgConnection,
    new: &NewTenant,
) -> Result<Option<Tenant>> {
    let text = format!(
        r"INSERT INTO control_plane.tenant_metadata
            (tenant_id, slug, name, plan, labels, placement, database_name, region)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (slug) WHERE status <> 'purged' DO NOTHING RETURNING {TENANT_COLUMNS}"
    );
    let reserved = sqlx::query_as(AssertSqlSafe(text))
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
    Ok(reserved)
}

/// Finds the tenant that has the slug or id now; a purged one does not.
pub(crate) async fn find_live(
    connection: &mut PgConnection,
    tenant: &TenantRef,
) -> Result<Option<Tenant>> {
    let live = "(slug = $1 OR tenant_id = $2) AND status <> 'purged'";
    let found = sqlx::query_as(tenants_where(live))
        .bind(tenant.slug().map(Slug::as_str))
        .bind(tenant.id().map(|id| id.0))
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    Ok(found)
}

/// Finds the tenant that has the slug or id now, else the last one that had it.
pub(crate) async fn find_any(
    connection: &mut PgConnection,
    tenant: &TenantRef,
) -> Result<Option<Tenant>> {
    let newest = "slug = $1 OR tenant_id = $2
        ORDER BY (status <> 'purged') DESC, created_at DESC LIMIT 1";
    let found = sqlx::query_as(tenants_where(newest))
        .bind(tenant.slug().map(Slug::as_str))
        .bind(tenant.id().map(|id| id.0))
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    Ok(found)
}

/// Returns the ids of all tenants that have or had the slug, or the one with the id.
pub(crate) async fn ids_ever_named(
    connection: &mut PgConnection,
    tenant: &TenantRef,
) -> Result<Vec<TenantId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT tenant_id FROM control_plane.tenant_metadata WHERE slug = $1 OR tenant_id = $2",
    )
    .bind(tenant.slug().map(Slug::as_str))
    .bind(tenant.id().map(|id| id.0))
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("look for the tenants of that name"))?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// Finds a tenant by its id.
pub(crate) async fn find_by_id(
    connection: &mut PgConnection,
    id: TenantId,
) -> Result<Option<Tenant>> {
    let found = sqlx::query_as(tenants_where("tenant_id = $1"))
        .bind(id.0)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the tenant up"))?;
    Ok(found)
}

/// Finds the tenant that has this project, or this database of the cluster; a purged one does not.
pub(crate) async fn find_by_place(
    connection: &mut PgConnection,
    project: Option<&ProjectRef>,
    database: Option<&str>,
) -> Result<Option<Tenant>> {
    let place = r"status <> 'purged'
        AND (project_ref = $1 OR (placement = 'database' AND database_name = $2)) LIMIT 1";
    let found = sqlx::query_as(tenants_where(place))
        .bind(project.map(ProjectRef::as_str))
        .bind(database)
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look which tenant has that place"))?;
    Ok(found)
}

/// Returns the state a list begins from.
pub(crate) async fn list_begins(connection: &mut PgConnection) -> Result<ListStart> {
    let start = sqlx::query_as(
        r"SELECT clock_timestamp() AS began, EXISTS (
            SELECT FROM control_plane.tenant_metadata
            WHERE project_ref IS NOT NULL AND status <> 'purged') AS has_projects",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("begin the list"))?;
    Ok(start)
}

/// Returns when the tenants with these ids, purged ones included, were last changed.
pub(crate) async fn last_changes(
    connection: &mut PgConnection,
    ids: &[TenantId],
) -> Result<Vec<LastChange>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let changes = sqlx::query_as(
        r"SELECT tenant_id, updated_at FROM control_plane.tenant_metadata
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
pub(crate) async fn list_page(
    connection: &mut PgConnection,
    filter: &TenantFilter,
    after: Option<(&Slug, TenantId)>,
    limit: i64,
) -> Result<Vec<Tenant>> {
    let page = r"(($1::text IS NULL AND status <> 'purged') OR status = $1)
            AND ($2::text IS NULL OR plan = $2) AND labels @> $3
            AND ($4::text IS NULL OR strpos(lower(slug || ' ' || name), lower($4)) > 0)
            AND ($5::text IS NULL OR (slug, tenant_id) > ($5, $6))
            AND (locked_at IS NOT NULL OR NOT $8)
        ORDER BY slug, tenant_id LIMIT $7";
    let tenants = sqlx::query_as(tenants_where(page))
        .bind(filter.status.map(TenantStatus::word))
        .bind(&filter.plan)
        .bind(Json(labels_of(&filter.labels)))
        .bind(&filter.search)
        .bind(after.map(|(slug, _)| slug.as_str()))
        .bind(after.map_or(Uuid::nil(), |(_, id)| id.0))
        .bind(limit)
        .bind(filter.locked)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the tenants"))?;
    Ok(tenants)
}

/// Hands over the tenants a selector means, by slug, as they come; deleted and purging ones when their
/// slug or status is named.
pub(crate) async fn select(
    connection: &mut PgConnection,
    selector: &Selector,
    mut on_tenant: impl FnMut(Tenant),
) -> Result<()> {
    let meant = r"status <> 'purged' AND NOT (slug = ANY ($1) OR tenant_id = ANY ($2))
            AND (slug = ANY ($3) OR tenant_id = ANY ($4) OR ($5
                AND CASE WHEN $6::text IS NULL THEN status NOT IN ('deleted', 'purging')
                    ELSE status = $6 END
                AND labels @> $7 AND (locked_at IS NOT NULL OR NOT $8)))
        ORDER BY slug";
    let by_property = selector.all || selector.is_by_property();
    let mut tenants = sqlx::query_as(tenants_where(meant))
        .bind(slugs_of(&selector.exclude))
        .bind(ids_of(&selector.exclude))
        .bind(slugs_of(&selector.tenants))
        .bind(ids_of(&selector.tenants))
        .bind(by_property)
        .bind(selector.status.map(TenantStatus::word))
        .bind(Json(labels_of(&selector.labels)))
        .bind(selector.locked)
        .fetch(connection);
    while let Some(tenant) =
        tenants.try_next().await.map_err(PgError::doing("select the tenants"))?
    {
        on_tenant(tenant);
    }
    Ok(())
}

/// Returns those that name no tenant, in the order they are asked for.
pub(crate) async fn unknown_tenants(
    connection: &mut PgConnection,
    named: &[TenantRef],
) -> Result<Vec<TenantRef>> {
    let known: Vec<Tenant> = sqlx::query_as(tenants_where(
        "(slug = ANY ($1) OR tenant_id = ANY ($2)) AND status <> 'purged'",
    ))
    .bind(slugs_of(named))
    .bind(ids_of(named))
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("look for the tenants"))?;
    let is_unknown = |named: &&TenantRef| !known.iter().any(|known| named.names(known));
    Ok(named.iter().filter(is_unknown).cloned().collect())
}

/// Returns slugs about as long as a text, for somebody who mistyped one of them.
pub(crate) async fn slugs_like(connection: &mut PgConnection, text: &str) -> Result<Vec<String>> {
    let length = i32::try_from(text.chars().count()).unwrap_or(i32::MAX);
    let slugs = sqlx::query_scalar(
        r"SELECT slug FROM control_plane.tenant_metadata
        WHERE status <> 'purged' AND abs(length(slug) - $1) <= 2 ORDER BY slug LIMIT 10000",
    )
    .bind(length)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("look for slugs like it"))?;
    Ok(slugs)
}

/// Returns how many tenants there are that are not purged.
pub(crate) async fn count_tenants(connection: &mut PgConnection) -> Result<usize> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM control_plane.tenant_metadata WHERE status <> 'purged'",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the tenants"))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Returns a tenant's epoch and mark as they stand.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn marks_of(connection: &mut PgConnection, id: TenantId) -> Result<Marks> {
    let found: Option<Marks> = sqlx::query_as(
        r"SELECT session_epoch AS epoch, sessions_not_before + clock_skew AS not_before
        FROM control_plane.tenant_metadata, control_plane.settings WHERE tenant_id = $1",
    )
    .bind(id.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("read the tenant's marks"))?;
    found.ok_or(ControlPlaneError::Changed("the tenant"))
}

/// Returns the query for the tenants that a condition holds for, whatever comes after it included.
fn tenants_where(condition: &'static str) -> AssertSqlSafe<String> {
    let table = "control_plane.tenant_metadata";
    AssertSqlSafe(format!("SELECT {TENANT_COLUMNS} FROM {table} WHERE {condition}"))
}

fn slugs_of(named: &[TenantRef]) -> Vec<String> {
    named.iter().filter_map(TenantRef::slug).map(ToString::to_string).collect()
}

fn ids_of(named: &[TenantRef]) -> Vec<Uuid> {
    named.iter().filter_map(TenantRef::id).map(|id| id.0).collect()
}

/// Returns labels as the object the database holds.
fn labels_of(labels: &[Label]) -> BTreeMap<String, String> {
    labels.iter().map(|label| (label.key.clone(), label.value.clone())).collect()
}
