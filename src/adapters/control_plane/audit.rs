//! `control_plane.policy_sync_log`: the audit trail, chained by the database itself.

use std::str::FromStr;

use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader, row};
use crate::model::{Actor, Reason, TenantId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Whether a row is an intent or an outcome, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuditOutcome {
    /// Written before the act.
    Intent,
    Done,
    /// It failed or was given up.
    Failed,
    /// There was nothing to do.
    Unchanged,
}

impl AuditOutcome {
    const ALL: [Self; 4] = [Self::Intent, Self::Done, Self::Failed, Self::Unchanged];

    /// Returns the word in the trail and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unchanged => "unchanged",
        }
    }
}

impl FromStr for AuditOutcome {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == text).ok_or(())
    }
}

/// A row to be appended.
#[derive(Debug, Clone)]
pub(crate) struct AuditEntry<'a> {
    pub actor: &'a Actor,
    /// As in `tenant.create`.
    pub action: &'a str,
    pub tenant_id: Option<TenantId>,
    /// What was acted on, as people call it.
    pub target: Option<&'a str>,
    pub reason: Option<&'a Reason>,
    /// What else is worth keeping, without secrets.
    pub detail: serde_json::Value,
    pub outcome: AuditOutcome,
    /// What ties an intent to its outcome.
    pub operation_id: Uuid,
}

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    /// Without gaps.
    pub id: i64,
    /// By the database's clock.
    pub at: OffsetDateTime,
    pub actor: String,
    pub action: String,
    pub tenant_id: Option<TenantId>,
    /// The tenant's slug, where the tenant was recorded.
    pub slug: Option<String>,
    pub target: Option<String>,
    pub reason: Option<String>,
    pub detail: serde_json::Value,
    pub outcome: AuditOutcome,
    /// What ties an intent to its outcome.
    pub operation_id: Option<Uuid>,
    /// The hash of the row before, in hex.
    pub prev_hash: String,
    /// This row's hash, in hex.
    pub hash: String,
}

impl<'r> FromRow<'r, PgRow> for AuditRow {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "policy_sync_log", key: "id", row };
        let Json(detail) = reader.get("detail")?;
        Ok(Self {
            id: reader.get("id")?,
            at: reader.get("at")?,
            actor: reader.get("actor")?,
            action: reader.get("action")?,
            tenant_id: reader.get::<Option<Uuid>>("tenant_id")?.map(TenantId),
            slug: reader.get("slug")?,
            target: reader.get("target")?,
            reason: reader.get("reason")?,
            detail,
            outcome: reader.parse("outcome")?,
            operation_id: reader.get("operation_id")?,
            prev_hash: reader.get("prev_hash")?,
            hash: reader.get("hash")?,
        })
    }
}

/// Which rows to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditFilter {
    pub tenant_id: Option<TenantId>,
    pub action: Option<String>,
    /// Rows at or after this instant.
    pub since: Option<OffsetDateTime>,
}

row! {
    /// The first row that does not fit the chain.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct ChainBreak {
        pub id: i64,
        /// What does not fit.
        pub problem: String,
    }
}

row! {
    /// The end of the chain, by the head's account.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct ChainHead {
        /// How many rows there are.
        pub last_id: i64,
        /// The newest row's hash, in hex.
        pub hash: String,
    }
}

/// Appends a row; it is part of the caller's transaction, so an act whose row cannot be written
/// does not happen.
pub(crate) async fn append(connection: &mut PgConnection, entry: &AuditEntry<'_>) -> Result<()> {
    sqlx::query(
        r"INSERT INTO control_plane.policy_sync_log
            (actor, action, tenant_id, target, reason, detail, outcome, operation_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.actor.as_str())
    .bind(entry.action)
    .bind(entry.tenant_id.map(|id| id.0))
    .bind(entry.target)
    .bind(entry.reason.map(Reason::as_str))
    .bind(Json(&entry.detail))
    .bind(entry.outcome.word())
    .bind(entry.operation_id)
    .execute(connection)
    .await
    .map_err(PgError::doing("write the audit trail"))?;
    Ok(())
}

/// Returns up to `limit` rows between the two ids of `window`, both excluded, by id.
pub(crate) async fn list_audit(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    window: (i64, i64),
    ascending: bool,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let rows = sqlx::query_as(
        r"SELECT id, at, actor, action, tenant_id, target, reason, detail, outcome, operation_id,
            encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash,
            (SELECT slug FROM control_plane.tenant_metadata t WHERE t.tenant_id = l.tenant_id) AS slug
        FROM control_plane.policy_sync_log l
        WHERE ($1::uuid IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR action = $2)
            AND ($3::timestamptz IS NULL OR at >= $3) AND id > $4 AND id < $5
        ORDER BY CASE WHEN $6 THEN id ELSE -id END LIMIT $7",
    )
    .bind(filter.tenant_id.map(|id| id.0))
    .bind(&filter.action)
    .bind(filter.since)
    .bind(window.0)
    .bind(window.1)
    .bind(ascending)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("read the audit trail"))?;
    Ok(rows)
}

/// Walks the whole chain and returns the first row that does not fit.
pub(crate) async fn first_break(connection: &mut PgConnection) -> Result<Option<ChainBreak>> {
    let found = sqlx::query_as("SELECT id, problem FROM control_plane.policy_sync_first_break()")
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("walk the audit chain"))?;
    Ok(found)
}

/// Returns the end of the chain.
pub(crate) async fn chain_head(connection: &mut PgConnection) -> Result<ChainHead> {
    let head = sqlx::query_as(
        "SELECT last_id, encode(last_hash, 'hex') AS hash FROM control_plane.policy_sync_head",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("read the end of the audit chain"))?;
    Ok(head)
}
