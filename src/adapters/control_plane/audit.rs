//! `control_plane.policy_sync_log`: the audit trail, chained by the database itself.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Reason, TenantId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// Whether a row says what is about to happen or what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// Written before the act.
    Intent,
    /// It was done.
    Done,
    /// It failed or was given up.
    Failed,
    /// There was nothing to do.
    Unchanged,
}

impl AuditOutcome {
    fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A row to be appended.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// Who acts.
    pub actor: &'a Actor,
    /// What is done, as in `tenant.create`.
    pub action: &'a str,
    /// To which tenant, if to one.
    pub tenant_id: Option<TenantId>,
    /// To what, as people call it.
    pub target: Option<&'a str>,
    /// Why, when a reason was asked for.
    pub reason: Option<&'a Reason>,
    /// What else is worth knowing, without secrets.
    pub detail: serde_json::Value,
    /// Intent or outcome.
    pub outcome: AuditOutcome,
    /// What ties an intent to its outcome.
    pub operation_id: Uuid,
}

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, without gaps.
    pub id: i64,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To which tenant.
    pub tenant_id: Option<Uuid>,
    /// To what.
    pub target: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What else.
    pub detail: serde_json::Value,
    /// Intent or outcome.
    pub outcome: String,
    /// What ties an intent to its outcome.
    pub operation_id: Option<Uuid>,
    /// The hash of the row before, in hex.
    pub prev_hash: String,
    /// This row's hash, in hex.
    pub hash: String,
}

/// Which rows to read.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only about this tenant.
    pub tenant_id: Option<TenantId>,
    /// Only this action.
    pub action: Option<String>,
    /// Only at or after this instant.
    pub since: Option<OffsetDateTime>,
}

/// The first row that does not fit the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainBreak {
    /// The row's number.
    pub id: i64,
    /// What does not fit.
    pub problem: String,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// How many rows there are by the head's account.
    pub last_id: i64,
    /// The newest row's hash, in hex.
    pub hash: String,
}

/// Appends a row; it is part of the caller's transaction, so an act whose row cannot be written
/// does not happen.
///
/// # Errors
/// When the server does not answer or refuses the row.
pub async fn append(connection: &mut PgConnection, entry: &AuditEntry<'_>) -> Result<()> {
    sqlx::query(
        "INSERT INTO control_plane.policy_sync_log \
         (actor, action, tenant_id, target, reason, detail, outcome, operation_id) \
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

/// Returns up to `limit` rows before row `before`, newest first.
///
/// # Errors
/// When the server does not answer.
pub async fn list_audit(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    window: (i64, i64),
    ascending: bool,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    type Row = (
        i64,
        OffsetDateTime,
        String,
        String,
        Option<Uuid>,
        Option<String>,
        Option<String>,
        Json<serde_json::Value>,
        String,
        Option<Uuid>,
        String,
        String,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, at, actor, action, tenant_id, target, reason, detail, outcome, operation_id, \
         encode(prev_hash, 'hex'), encode(hash, 'hex') FROM control_plane.policy_sync_log \
         WHERE ($1::uuid IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR action = $2) \
         AND ($3::timestamptz IS NULL OR at >= $3) AND id > $4 AND id < $5 \
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
    Ok(rows
        .into_iter()
        .map(|row| AuditRow {
            id: row.0,
            at: row.1,
            actor: row.2,
            action: row.3,
            tenant_id: row.4,
            target: row.5,
            reason: row.6,
            detail: row.7.0,
            outcome: row.8,
            operation_id: row.9,
            prev_hash: row.10,
            hash: row.11,
        })
        .collect())
}

/// Walks the whole chain and returns the first row that does not fit.
///
/// # Errors
/// When the server does not answer.
pub async fn first_break(connection: &mut PgConnection) -> Result<Option<ChainBreak>> {
    let found: Option<(i64, String)> =
        sqlx::query_as("SELECT id, problem FROM control_plane.policy_sync_first_break()")
            .fetch_optional(connection)
            .await
            .map_err(PgError::doing("walk the audit chain"))?;
    Ok(found.map(|(id, problem)| ChainBreak { id, problem }))
}

/// Returns the end of the chain.
///
/// # Errors
/// When the server does not answer.
pub async fn chain_head(connection: &mut PgConnection) -> Result<ChainHead> {
    let (last_id, hash): (i64, String) = sqlx::query_as(
        "SELECT last_id, encode(last_hash, 'hex') FROM control_plane.policy_sync_head",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("read the end of the audit chain"))?;
    Ok(ChainHead { last_id, hash })
}
