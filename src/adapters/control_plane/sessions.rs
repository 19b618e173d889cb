//! `control_plane.sessions`: recorded, judged, revoked by id, pruned.

use std::net::IpAddr;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::epochs::SessionScope;
use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader, row};
use crate::model::{Actor, Jti, Reason, SessionState, Slug, TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A session to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub jti: Jti,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub ttl_seconds: i64,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's device, up to 400 bytes.
    pub device: Option<String>,
    /// A JSON object.
    pub metadata: serde_json::Value,
}

row! {
    /// Since when and until when a recorded session is valid.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Lifetime {
        pub issued_at: OffsetDateTime,
        pub expires_at: OffsetDateTime,
    }
}

row! {
    /// A sign-in's part in one tenant.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Part {
        pub tenant_id: Uuid,
        pub expires_at: OffsetDateTime,
    }
}

/// A session as recorded, with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub jti: Jti,
    /// Auth's id of the sign-in that this is a tenant's part of.
    pub sign_in: Jti,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub tenant: Slug,
    pub state: SessionState,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// When it was revoked, itself or by an epoch; none while it was not.
    pub revoked_at: Option<OffsetDateTime>,
    pub revoked_by: Option<String>,
    pub revoke_reason: Option<String>,
    pub ip: Option<String>,
    pub device: Option<String>,
    /// A JSON object.
    pub metadata: serde_json::Value,
    /// When it was last refreshed.
    pub last_seen_at: Option<OffsetDateTime>,
}

impl<'r> FromRow<'r, PgRow> for Session {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let reader = Reader { table: "sessions", key: "jti", row };
        let Json(metadata) = reader.get("metadata")?;
        Ok(Self {
            jti: reader.parse("jti")?,
            sign_in: reader.parse("session_id")?,
            user_id: UserId(reader.get("user_id")?),
            tenant_id: TenantId(reader.get("tenant_id")?),
            tenant: reader.parse("slug")?,
            state: reader.parse("state")?,
            issued_at: reader.get("issued_at")?,
            expires_at: reader.get("expires_at")?,
            revoked_at: reader.get("revoked_at")?,
            revoked_by: reader.get("revoked_by")?,
            revoke_reason: reader.get("revoke_reason")?,
            ip: reader.get("ip")?,
            device: reader.get("device")?,
            metadata,
            last_seen_at: reader.get("last_seen_at")?,
        })
    }
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionFilter {
    pub user_id: Option<UserId>,
    pub tenant_id: Option<TenantId>,
    /// Also those that are no longer valid.
    pub all: bool,
}

/// What a session is read from.
const SESSION: &str = r"
    SELECT s.jti, s.session_id, s.user_id, s.tenant_id, t.slug, s.state, s.issued_at, s.expires_at,
        r.at AS revoked_at, r.actor AS revoked_by, r.reason AS revoke_reason, host(s.ip) AS ip,
        s.device, s.metadata, s.last_seen_at
    FROM control_plane.session_states s JOIN control_plane.tenant_metadata t USING (tenant_id)
    LEFT JOIN LATERAL control_plane.revocation_of(s.jti) r ON true";

/// Records a session under the epochs of this moment; none when the tenant takes no sessions.
pub(crate) async fn insert_session(
    connection: &mut PgConnection,
    new: &NewSession,
) -> Result<Option<Lifetime>> {
    let recorded = sqlx::query_as(
        r"SELECT issued_at, expires_at FROM control_plane.record_session($1, $1, $2, $3,
            make_interval(secs => $4::double precision), $5::inet, $6, $7)",
    )
    .bind(new.jti.as_str())
    .bind(new.user_id.0)
    .bind(new.tenant_id.0)
    .bind(new.ttl_seconds)
    .bind(new.ip.map(|ip| ip.to_string()))
    .bind(&new.device)
    .bind(Json(&new.metadata))
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("record the session"))?;
    Ok(recorded)
}

/// Returns the one judgement on a session.
pub(crate) async fn session_state(
    connection: &mut PgConnection,
    jti: &Jti,
) -> Result<SessionState> {
    let word: String = sqlx::query_scalar("SELECT control_plane.session_state($1)")
        .bind(jti.as_str())
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask for the session's state"))?;
    word.parse().map_err(|_| {
        let row = jti.as_str().to_owned();
        PgError::Inconsistency { table: "sessions", column: "session_state", row }.into()
    })
}

/// Returns a session with its state; none when none was recorded under this id.
pub(crate) async fn find_session(
    connection: &mut PgConnection,
    jti: &Jti,
) -> Result<Option<Session>> {
    let found = sqlx::query_as(AssertSqlSafe(format!("{SESSION} WHERE s.jti = $1")))
        .bind(jti.as_str())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("look the session up"))?;
    Ok(found)
}

/// Returns up to `limit` sessions, newest first.
pub(crate) async fn list_sessions(
    connection: &mut PgConnection,
    filter: &SessionFilter,
    limit: i64,
) -> Result<Vec<Session>> {
    // Which ones is decided first: what revoked each is looked up for those alone.
    let text = format!(
        r"{SESSION} WHERE s.jti IN (
            SELECT l.jti FROM control_plane.session_states l
            WHERE ($1::uuid IS NULL OR l.user_id = $1) AND ($2::uuid IS NULL OR l.tenant_id = $2)
                AND ($3 OR l.state = 'valid')
            ORDER BY l.issued_at DESC, l.jti LIMIT $4)
        ORDER BY s.issued_at DESC, s.jti"
    );
    let sessions = sqlx::query_as(AssertSqlSafe(text))
        .bind(filter.user_id.map(|id| id.0))
        .bind(filter.tenant_id.map(|id| id.0))
        .bind(filter.all)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the sessions"))?;
    Ok(sessions)
}

/// Returns whether a user was ever seen here: in a session, or as a tenant's member.
pub(crate) async fn is_seen_user(connection: &mut PgConnection, user: UserId) -> Result<bool> {
    let is_seen = sqlx::query_scalar(
        r"SELECT EXISTS (SELECT FROM control_plane.sessions WHERE user_id = $1)
            OR EXISTS (SELECT FROM control_plane.user_mappings WHERE auth_user_id = $1)",
    )
    .bind(user.0)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for the user"))?;
    Ok(is_seen)
}

/// Counts the sessions of a scope that are valid now.
pub(crate) async fn count_live(connection: &mut PgConnection, scope: &SessionScope) -> Result<i64> {
    let (jti, user, tenant) = scope.filter();
    // Of a tenant, those of its present epoch alone: all others were revoked.
    let count = sqlx::query_scalar(
        r"SELECT count(*) FROM control_plane.session_states s
        WHERE ($1::text IS NULL OR s.jti = $1 OR s.session_id = $1) AND ($2::uuid IS NULL OR s.user_id = $2)
            AND ($3::uuid IS NULL OR s.tenant_id = $3 AND s.tenant_epoch = (
                SELECT t.session_epoch FROM control_plane.tenant_metadata t
                WHERE t.tenant_id = $3))
            AND s.state = 'valid'",
    )
    .bind(jti)
    .bind(user)
    .bind(tenant)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the sessions"))?;
    Ok(count)
}

/// Revokes a session, or under Auth's id a whole sign-in: every tenant's part of it, and those that
/// would be recorded later. None when neither is known, false when it was revoked before.
pub(crate) async fn revoke_session(
    connection: &mut PgConnection,
    jti: &Jti,
    actor: &Actor,
    reason: &Reason,
) -> Result<Option<bool>> {
    let is_new = sqlx::query_scalar(
        r"WITH before AS (
            SELECT jti, session_id, revoked_at FROM control_plane.sessions
            WHERE jti = $1 OR session_id = $1 ORDER BY jti FOR UPDATE
        ), revoked AS (
            UPDATE control_plane.sessions s SET revoked_at = clock_timestamp(), revoked_by = $2,
                revoke_reason = $3
            FROM before WHERE s.jti = before.jti AND before.revoked_at IS NULL
        ), whole AS (
            INSERT INTO control_plane.revoked_sign_ins (session_id)
            SELECT $1 WHERE EXISTS (SELECT FROM before WHERE session_id = $1)
            ON CONFLICT DO NOTHING
        ) SELECT bool_or(revoked_at IS NULL) FROM before",
    )
    .bind(jti.as_str())
    .bind(actor.as_str())
    .bind(reason.as_str())
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("revoke the session"))?;
    Ok(is_new)
}

/// Returns the tenants that a session, or under Auth's id a sign-in, has a part in, and when the
/// last of those parts expires.
pub(crate) async fn parts_of(connection: &mut PgConnection, jti: &Jti) -> Result<Vec<Part>> {
    let parts = sqlx::query_as(
        r"SELECT tenant_id, expires_at FROM control_plane.sessions
        WHERE jti = $1 OR session_id = $1 ORDER BY tenant_id",
    )
    .bind(jti.as_str())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the session's tenants"))?;
    Ok(parts)
}

/// Returns the sign-ins, by Auth's ids, that a session is a part of.
pub(crate) async fn sign_ins_of(connection: &mut PgConnection, jti: &Jti) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar(
        r"SELECT DISTINCT session_id FROM control_plane.sessions
        WHERE jti = $1 OR session_id = $1 ORDER BY 1",
    )
    .bind(jti.as_str())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the session's sign-in"))?;
    Ok(ids)
}

/// Removes up to `limit` sessions that expired longer than `keep_seconds` ago; returns how many.
/// Rows that another transaction works on are left for the next batch, so neither waits.
///
/// A session that was revoked by itself stays: no epoch speaks against it, and once forgotten it
/// could come back by a refresh.
pub(crate) async fn prune_batch(
    connection: &mut PgConnection,
    keep_seconds: i64,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query(
        // As arrays, which are looked up by key; joined, they have the whole table read for each batch.
        r"DELETE FROM control_plane.sessions WHERE jti = ANY (ARRAY(
            SELECT jti FROM control_plane.sessions WHERE jti = ANY (ARRAY(
                SELECT s.jti FROM control_plane.session_states s
                WHERE s.expires_at < now() - make_interval(secs => $1::double precision)
                    AND s.state <> 'revoked'
                ORDER BY s.expires_at LIMIT $2))
            FOR UPDATE SKIP LOCKED))",
    )
    .bind(keep_seconds)
    .bind(limit)
    .execute(connection)
    .await
    .map_err(PgError::doing("prune the sessions"))?;
    Ok(done.rows_affected())
}

/// Counts the sessions that expired longer than `keep_seconds` ago.
pub(crate) async fn count_expired(connection: &mut PgConnection, keep_seconds: i64) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        r"SELECT count(*) FROM control_plane.session_states
        WHERE expires_at < now() - make_interval(secs => $1::double precision)
            AND state <> 'revoked'",
    )
    .bind(keep_seconds)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the expired sessions"))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Returns one session of a tenant that was valid as long as its epoch was, if there is one among the
/// thousand that live longest: nothing but that epoch speaks against it.
pub(crate) async fn sample_session(
    connection: &mut PgConnection,
    tenant: TenantId,
    epoch: i64,
) -> Result<Option<Jti>> {
    // The first rows of an index, and not every session that was ever revoked.
    let found: Option<String> = sqlx::query_scalar(
        r"SELECT s.jti FROM (
            SELECT * FROM control_plane.sessions
            WHERE tenant_id = $1 AND tenant_epoch = $2 AND expires_at > now()
            ORDER BY expires_at DESC LIMIT 1000
        ) s
        JOIN control_plane.user_mappings u
            ON u.auth_user_id = s.user_id AND u.tenant_id = s.tenant_id
        LEFT JOIN control_plane.user_marks m ON m.auth_user_id = s.user_id
        WHERE s.revoked_at IS NULL AND s.signed_out_at IS NULL AND u.removed_at IS NULL
            AND u.session_epoch + coalesce(m.session_epoch, 0) = s.user_epoch
        ORDER BY s.expires_at DESC LIMIT 1",
    )
    .bind(tenant.0)
    .bind(epoch)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("find a session to probe with"))?;
    Ok(found.and_then(|jti| jti.parse().ok()))
}
