//! `control_plane.tenant_metadata`, changed: one row, one statement.
//!
//! What cuts a tenant off raises its epoch and records in `epochs` who did and why, in the same
//! statement.

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use time::OffsetDateTime;

use super::error::ControlPlaneError;
use super::lockdowns::Lockdown;
use crate::adapters::postgres::PgError;
use crate::model::{
    Actor, DatabaseName, Marks, ProjectRef, Reason, SchemaState, TenantId, shorten,
};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Where a tenant's database was found to be.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// What applications connect to.
    pub host: String,
    pub port: u16,
    /// Whether a pooler answers there.
    pub is_pooled: bool,
    /// On a cluster.
    pub database_oid: Option<u32>,
    /// The cluster's, where we may read it.
    pub system_identifier: Option<String>,
}

/// Records where the tenant's database is and the application's password, sealed; none when it is not
/// kept.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn record_address(
    connection: &mut PgConnection,
    id: TenantId,
    address: &Address,
    credential: Option<&[u8]>,
) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET host = $2, port = $3, database_oid = $4,
            system_identifier = $5, credential = $6, pooled = $7
        WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(&address.host)
    .bind(i32::from(address.port))
    .bind(address.database_oid.map(i64::from))
    .bind(&address.system_identifier)
    .bind(credential)
    .bind(address.is_pooled);
    update_one(connection, update, "record the database's address").await
}

/// Records another address of a tenant's database, and leaves the login's password as it is.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn record_move(
    connection: &mut PgConnection,
    id: TenantId,
    address: &Address,
) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET host = $2, port = $3, database_oid = $4,
            system_identifier = $5, pooled = $6
        WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(&address.host)
    .bind(i32::from(address.port))
    .bind(address.database_oid.map(i64::from))
    .bind(&address.system_identifier)
    .bind(address.is_pooled);
    update_one(connection, update, "record the database's new address").await
}

/// A tenant's project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TenantProject<'a> {
    pub reference: &'a ProjectRef,
    /// The slug of the organization that it is in.
    pub organization: &'a str,
    pub database: &'a DatabaseName,
    pub region: Option<&'a str>,
}

/// Records which project a tenant has, at once when it is known: from here on it is found by its
/// ref and not by its name.
///
/// # Errors
/// When another tenant has that project, or there is no such tenant.
pub(crate) async fn record_project(
    connection: &mut PgConnection,
    id: TenantId,
    project: &TenantProject<'_>,
) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET project_ref = $2, database_name = $3,
            region = coalesce(region, $4), organization = $5
        WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(project.reference.as_str())
    .bind(project.database.as_str())
    .bind(project.region)
    .bind(project.organization);
    update_one(connection, update, "record the tenant's project").await
}

/// Records a new sealed password, or that none is kept.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn record_credential(
    connection: &mut PgConnection,
    id: TenantId,
    credential: Option<&[u8]>,
) -> Result<()> {
    let update = sqlx::query(
        "UPDATE control_plane.tenant_metadata SET credential = $2 WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(credential);
    update_one(connection, update, "record the credential").await
}

/// Records where a tenant's schema stands, after the tenant's own commit: a crash in between
/// leaves the record too low, and looking again costs nothing.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn record_schema(
    connection: &mut PgConnection,
    id: TenantId,
    schema: &SchemaState,
) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET schema_version = $2, schema_fingerprint = $3
        WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(schema.version.map(|version| version.0))
    .bind(&schema.fingerprint);
    update_one(connection, update, "record the schema version").await
}

/// Makes a provisioned tenant active: the one commit point of its creation.
///
/// # Errors
/// When it is no longer provisioning, or locked.
pub(crate) async fn set_active(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET status = 'active'
        WHERE tenant_id = $1 AND status = 'provisioning' AND locked_at IS NULL",
    )
    .bind(id.0);
    update_one(connection, update, "activate the tenant").await
}

/// Deletes a tenant in the control plane: status, purge date and sessions. Returns when it may be
/// purged.
///
/// # Errors
/// When its status does not allow it.
pub(crate) async fn set_deleted(
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
            WHERE tenant_id = $1 AND status IN ('provisioning', 'active')
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

/// Brings a deleted tenant back to the status it had; its old sessions stay revoked.
///
/// # Errors
/// When it is not deleted.
pub(crate) async fn set_restored(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET status = status_before_delete,
            status_before_delete = NULL, deleted_at = NULL, purge_after = NULL
        WHERE tenant_id = $1 AND status = 'deleted'",
    )
    .bind(id.0);
    update_one(connection, update, "restore the tenant").await
}

/// Passes the point of no return: from here on only `purged` follows.
///
/// # Errors
/// When it is not deleted.
pub(crate) async fn set_purging(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET status = 'purging'
        WHERE tenant_id = $1 AND status = 'deleted'",
    )
    .bind(id.0);
    update_one(connection, update, "record the purge").await
}

/// Records that everything is gone. The row stays; the slug is free, the id is not.
///
/// # Errors
/// When it is not purging.
pub(crate) async fn set_purged(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET status = 'purged', credential = NULL
        WHERE tenant_id = $1 AND status = 'purging'",
    )
    .bind(id.0);
    update_one(connection, update, "record that the tenant is purged").await
}

/// Switches the protection against deletion on or off; returns whether that changed anything.
pub(crate) async fn set_protected(
    connection: &mut PgConnection,
    id: TenantId,
    is_protected: bool,
) -> Result<bool> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET protected = $2
        WHERE tenant_id = $1 AND protected <> $2",
    )
    .bind(id.0)
    .bind(is_protected);
    has_changed(connection, update, "change the tenant's protection").await
}

/// Records that the evidence contradicts the record, so that no command acts on the tenant.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn quarantine(
    connection: &mut PgConnection,
    id: TenantId,
    reason: &str,
) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET quarantine_reason = $2,
            quarantined_at = coalesce(quarantined_at, clock_timestamp())
        WHERE tenant_id = $1",
    )
    .bind(id.0)
    .bind(shorten(reason, 500));
    update_one(connection, update, "quarantine the tenant").await
}

/// Lifts a quarantine, once the evidence no longer contradicts.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn lift_quarantine(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET quarantined_at = NULL, quarantine_reason = NULL
        WHERE tenant_id = $1",
    )
    .bind(id.0);
    update_one(connection, update, "lift the quarantine").await
}

/// Locks a tenant in whatever status it is; unproven until [`set_lock_proven`].
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn lock_tenant(
    connection: &mut PgConnection,
    id: TenantId,
    actor: &Actor,
    reason: &Reason,
) -> Result<Marks> {
    let raised: Option<Marks> = sqlx::query_as(
        r"WITH locked AS (
            UPDATE control_plane.tenant_metadata SET
                locked_at = coalesce(locked_at, clock_timestamp()), locked_by = $2,
                lock_reason = $3, lock_proven_at = NULL,
                session_epoch = session_epoch + 1,
                sessions_not_before = greatest(sessions_not_before, clock_timestamp())
            WHERE tenant_id = $1 RETURNING session_epoch, sessions_not_before
        ), recorded AS (
            INSERT INTO control_plane.epochs (tenant_id, number, act, actor, reason)
            SELECT $1, session_epoch, 'lockdown', $2, $3 FROM locked)
        SELECT session_epoch AS epoch, sessions_not_before + clock_skew AS not_before
        FROM locked, control_plane.settings",
    )
    .bind(id.0)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("lock the tenant"))?;
    raised.ok_or(ControlPlaneError::Changed("the tenant"))
}

/// Records that a lockdown was proved, unless the tenant was locked again or unlocked since it began.
/// Returns whether it is recorded.
pub(crate) async fn set_lock_proven(
    connection: &mut PgConnection,
    id: TenantId,
    lockdown: &Lockdown,
) -> Result<bool> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata t SET lock_proven_at = clock_timestamp()
        FROM control_plane.lockdowns l
        WHERE t.tenant_id = $1 AND t.locked_at IS NOT NULL AND l.lockdown_id = $2
            AND l.tenant_id = t.tenant_id AND l.cuts = $3
            AND l.lifted_at IS NULL AND l.lifting_since IS NULL",
    )
    .bind(id.0)
    .bind(lockdown.id)
    .bind(lockdown.cuts);
    has_changed(connection, update, "record that the lockdown is proved").await
}

/// Holds the tenant's row until the transaction ends. Whoever changes it together with other rows
/// takes it first, so that two never wait for each other.
pub(crate) async fn hold_tenant(connection: &mut PgConnection, id: TenantId) -> Result<()> {
    sqlx::query("SELECT FROM control_plane.tenant_metadata WHERE tenant_id = $1 FOR NO KEY UPDATE")
        .bind(id.0)
        .execute(connection)
        .await
        .map_err(PgError::doing("hold the tenant's row"))?;
    Ok(())
}

/// Lifts the lock, and moves the tenant's mark to this moment: whatever began until now stays revoked,
/// also what Auth began after the lockdown's commit and before its ban. Returns whether there was a
/// lock.
pub(crate) async fn unlock_tenant(connection: &mut PgConnection, id: TenantId) -> Result<bool> {
    let update = sqlx::query(
        r"UPDATE control_plane.tenant_metadata SET
            locked_at = NULL, locked_by = NULL, lock_reason = NULL, lock_proven_at = NULL,
            sessions_not_before = greatest(sessions_not_before, clock_timestamp())
        WHERE tenant_id = $1 AND locked_at IS NOT NULL",
    )
    .bind(id.0);
    has_changed(connection, update, "unlock the tenant").await
}

type Update<'q> = Query<'q, Postgres, PgArguments>;

/// Runs an update of one tenant's row that must find it.
async fn update_one(
    connection: &mut PgConnection,
    update: Update<'_>,
    doing: &'static str,
) -> Result<()> {
    if has_changed(connection, update, doing).await? {
        Ok(())
    } else {
        Err(ControlPlaneError::Changed("the tenant"))
    }
}

/// Runs an update of one tenant's row and returns whether it found it.
async fn has_changed(
    connection: &mut PgConnection,
    update: Update<'_>,
    doing: &'static str,
) -> Result<bool> {
    let done = update.execute(connection).await.map_err(PgError::doing(doing))?;
    Ok(done.rows_affected() == 1)
}
