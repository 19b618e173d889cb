//! `control_plane.policy_sync_log`: the audit trail, chained by the database itself.

use std::str::FromStr;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader, row};
use crate::model::{Actor, Reason, TenantId, UserId};

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
    /// Rows about one of these.
    pub tenants: Option<Vec<TenantId>>,
    /// Rows whose target names this user.
    pub user: Option<UserId>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<AuditOutcome>,
    /// Rows at or after this instant.
    pub since: Option<OffsetDateTime>,
    /// Rows before this instant.
    pub until: Option<OffsetDateTime>,
    /// Leaves out an intent whose outcome is known: one row for each act.
    pub by_act: bool,
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

/// Returns up to `limit` rows with ids after `after`, by id: the oldest first, or the newest.
pub(crate) async fn list_audit(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    after: i64,
    ascending: bool,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let order = if ascending { "ASC" } else { "DESC" };
    let text = format!(
        r"SELECT l.id, l.at, l.actor, l.action, l.tenant_id, l.target, l.reason, l.detail, l.outcome,
            l.operation_id, encode(l.prev_hash, 'hex') AS prev_hash, encode(l.hash, 'hex') AS hash,
            (SELECT slug FROM control_plane.tenant_metadata t WHERE t.tenant_id = l.tenant_id) AS slug
        FROM control_plane.policy_sync_log l
        WHERE ($1::uuid[] IS NULL OR l.tenant_id = ANY ($1)) AND ($2::text IS NULL OR l.action = $2)
            AND ($3::timestamptz IS NULL OR l.at >= $3) AND ($4::timestamptz IS NULL OR l.at < $4)
            AND ($5::text IS NULL OR l.actor = $5) AND ($6::text IS NULL OR l.outcome = $6)
            AND ($7::text IS NULL OR strpos(l.target, $7) > 0) AND l.id > $8
            AND NOT ($9 AND l.outcome = 'intent' AND EXISTS (
                SELECT FROM control_plane.policy_sync_log o
                WHERE o.operation_id = l.operation_id AND o.id > l.id AND o.outcome <> 'intent'))
        ORDER BY l.id {order} LIMIT $10"
    );
    let tenants: Option<Vec<Uuid>> =
        filter.tenants.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
    let rows = sqlx::query_as(AssertSqlSafe(text))
        .bind(tenants)
        .bind(&filter.action)
        .bind(filter.since)
        .bind(filter.until)
        .bind(&filter.actor)
        .bind(filter.outcome.map(AuditOutcome::word))
        .bind(filter.user.map(|user| user.to_string()))
        .bind(after)
        .bind(filter.by_act)
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
