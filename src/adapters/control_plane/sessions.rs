//! `control_plane.sessions` and `control_plane.user_mappings`.

use std::net::IpAddr;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Jti, Reason, SessionState, TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// A session to be recorded.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub jti: Jti,
    /// Whose it is.
    pub user_id: UserId,
    /// In which tenant.
    pub tenant_id: TenantId,
    /// How long it lives, in seconds.
    pub ttl_seconds: i64,
    /// From where.
    pub ip: Option<IpAddr>,
    /// With what.
    pub device: Option<String>,
    /// What else is worth keeping, a JSON object.
    pub metadata: serde_json::Value,
}

/// A session as recorded, with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub jti: String,
    /// Whose it is.
    pub user_id: Uuid,
    /// In which tenant, by id.
    pub tenant_id: Uuid,
    /// In which tenant, by name.
    pub tenant: String,
    /// The judgement on it, as a word.
    pub state: String,
    /// When it began.
    pub issued_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// When it was marked as revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoke_reason: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub device: Option<String>,
    /// What else was kept, a JSON object.
    pub metadata: serde_json::Value,
    /// When it was last refreshed.
    pub last_seen_at: Option<OffsetDateTime>,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Of this user.
    pub user_id: Option<UserId>,
    /// In this tenant.
    pub tenant_id: Option<TenantId>,
    /// Also those that are no longer valid.
    pub all: bool,
}

/// What a revocation covers: the one filter that counting and cutting share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionScope {
    /// One session.
    Session(Jti),
    /// Everything of a user, in every tenant.
    User(UserId),
    /// Everything in a tenant.
    Tenant(TenantId),
    /// Everything of a user in one tenant.
    UserInTenant(UserId, TenantId),
}

impl SessionScope {
    fn filter(&self) -> (Option<&str>, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Session(jti) => (Some(jti.as_str()), None, None),
            Self::User(user) => (None, Some(user.0), None),
            Self::Tenant(tenant) => (None, None, Some(tenant.0)),
            Self::UserInTenant(user, tenant) => (None, Some(user.0), Some(tenant.0)),
        }
    }
}

/// Records a session under the epochs of this moment; nothing when the tenant takes no sessions.
///
/// # Errors
/// When the server does not answer.
pub async fn insert_session(
    connection: &mut PgConnection,
    new: &NewSession,
) -> Result<Option<(OffsetDateTime, OffsetDateTime)>> {
    let recorded: Option<(OffsetDateTime, OffsetDateTime)> = sqlx::query_as(
        "SELECT issued_at, expires_at FROM control_plane.record_session($1, $2, $3, \
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
///
/// # Errors
/// When the server does not answer.
pub async fn session_state(connection: &mut PgConnection, jti: &Jti) -> Result<SessionState> {
    let (word,): (String,) = sqlx::query_as("SELECT control_plane.session_state($1)")
        .bind(jti.as_str())
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask for the session's state"))?;
    word.parse().map_err(|_| {
        PgError::Inconsistency {
            table: "sessions",
            column: "session_state",
            row: jti.as_str().to_owned(),
        }
        .into()
    })
}

/// What a session is read from.
const SESSION: &str = r"
    SELECT s.jti, s.user_id, s.tenant_id, t.slug, s.state, s.issued_at, s.expires_at,
        r.at AS revoked_at, r.actor AS revoked_by, r.reason AS revoke_reason, host(s.ip) AS ip,
        s.device, s.metadata, s.last_seen_at
    FROM control_plane.session_states s JOIN control_plane.tenant_metadata t USING (tenant_id)
    LEFT JOIN LATERAL control_plane.revocation_of(s.jti) r ON true";

/// Returns the present moment by the clock that sessions are judged with.
///
/// # Errors
/// When the server does not answer.
pub async fn now(connection: &mut PgConnection) -> Result<OffsetDateTime> {
    let (now,): (OffsetDateTime,) = sqlx::query_as("SELECT clock_timestamp()")
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask for the time"))?;
    Ok(now)
}

fn session_of(row: &PgRow) -> std::result::Result<Session, sqlx::Error> {
    let Json(metadata) = row.try_get("metadata")?;
    Ok(Session {
        jti: row.try_get("jti")?,
        user_id: row.try_get("user_id")?,
        tenant_id: row.try_get("tenant_id")?,
        tenant: row.try_get("slug")?,
        state: row.try_get("state")?,
        issued_at: row.try_get("issued_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        revoked_by: row.try_get("revoked_by")?,
        revoke_reason: row.try_get("revoke_reason")?,
        ip: row.try_get("ip")?,
        device: row.try_get("device")?,
        metadata,
        last_seen_at: row.try_get("last_seen_at")?,
    })
}

/// Returns a session with its state; nothing when none was recorded under this id.
///
/// # Errors
/// When the server does not answer.
pub async fn find_session(connection: &mut PgConnection, jti: &Jti) -> Result<Option<Session>> {
    let doing = || PgError::doing("look the session up");
    let text = format!("{SESSION} WHERE s.jti = $1");
    let row = sqlx::query(AssertSqlSafe(text)).bind(jti.as_str()).fetch_optional(connection).await;
    let row = row.map_err(doing())?;
    Ok(row.as_ref().map(session_of).transpose().map_err(doing())?)
}

/// Returns up to `limit` sessions, newest first.
///
/// # Errors
/// When the server does not answer.
pub async fn list_sessions(
    connection: &mut PgConnection,
    filter: &SessionFilter,
    limit: i64,
) -> Result<Vec<Session>> {
    let doing = || PgError::doing("list the sessions");
    // Which ones is decided first: what revoked each is looked up for those alone.
    let text = format!(
        r"{SESSION} WHERE s.jti IN (
            SELECT l.jti FROM control_plane.session_states l
            WHERE ($1::uuid IS NULL OR l.user_id = $1) AND ($2::uuid IS NULL OR l.tenant_id = $2)
                AND ($3 OR l.state = 'valid')
            ORDER BY l.issued_at DESC, l.jti LIMIT $4)
        ORDER BY s.issued_at DESC, s.jti"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(filter.user_id.map(|id| id.0))
        .bind(filter.tenant_id.map(|id| id.0))
        .bind(filter.all)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(doing())?;
    Ok(rows.iter().map(session_of).collect::<std::result::Result<_, _>>().map_err(doing())?)
}

/// Fixes the moment that everything read in this transaction afterwards belongs to, so that what a
/// cut ended can be counted once it is made.
///
/// # Errors
/// When the server does not answer.
pub async fn fix_moment(connection: &mut PgConnection) -> Result<()> {
    // The snapshot is taken by the first query, not by the SET.
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         SELECT FROM control_plane.identity",
    )
    .execute(connection)
    .await
    .map_err(PgError::doing("fix the moment to count at"))?;
    Ok(())
}

/// Counts the sessions of a scope that are valid now.
///
/// # Errors
/// When the server does not answer.
pub async fn count_live(connection: &mut PgConnection, scope: &SessionScope) -> Result<i64> {
    let (jti, user, tenant) = scope.filter();
    let (count,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM control_plane.session_states s \
         WHERE ($1::text IS NULL OR s.jti = $1) AND ($2::uuid IS NULL OR s.user_id = $2) \
         AND ($3::uuid IS NULL OR s.tenant_id = $3) AND s.state = 'valid'",
    )
    .bind(jti)
    .bind(user)
    .bind(tenant)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the sessions"))?;
    Ok(count)
}

/// Revokes everything of a user or a tenant by raising the number in one row, and records in `epochs`
/// who did and why; returns since when older tokens are refused.
///
/// `clock_timestamp()`, not `now()`: tokens issued while this statement waited for the row must fall
/// under it as well.
///
/// # Errors
/// When the server does not answer, or the tenant is gone.
pub async fn raise_epoch(
    connection: &mut PgConnection,
    scope: &SessionScope,
    actor: &Actor,
    reason: &Reason,
) -> Result<Option<OffsetDateTime>> {
    let raise = match scope {
        SessionScope::Session(_) => return Ok(None),
        SessionScope::Tenant(_) => {
            r"UPDATE control_plane.tenant_metadata SET session_epoch = session_epoch + 1,
                sessions_not_before = greatest(sessions_not_before, clock_timestamp())
            WHERE tenant_id = $2 AND $1::uuid IS NULL"
        }
        // A user whom nobody mapped to a tenant is marked all the same: tokens without a recorded
        // session are judged by that mark.
        SessionScope::User(_) => {
            r"INSERT INTO control_plane.user_marks AS m (auth_user_id, sessions_not_before)
            SELECT $1, clock_timestamp() WHERE $2::uuid IS NULL
            ON CONFLICT (auth_user_id) DO UPDATE SET session_epoch = m.session_epoch + 1,
                sessions_not_before = greatest(m.sessions_not_before, clock_timestamp())"
        }
        SessionScope::UserInTenant(..) => {
            r"INSERT INTO control_plane.user_mappings AS m
                (auth_user_id, tenant_id, session_epoch, sessions_not_before, is_member)
            VALUES ($1, $2, 2, clock_timestamp(), false)
            ON CONFLICT (auth_user_id, tenant_id) DO UPDATE
                SET session_epoch = m.session_epoch + 1,
                sessions_not_before = greatest(m.sessions_not_before, clock_timestamp())"
        }
    };
    let text = format!(
        r"WITH raised AS ({raise} RETURNING session_epoch, sessions_not_before), recorded AS (
            INSERT INTO control_plane.epochs (user_id, tenant_id, number, act, actor, reason)
            SELECT $1, $2, session_epoch, 'revoke', $3, $4 FROM raised)
        SELECT sessions_not_before + clock_skew FROM raised, control_plane.settings"
    );
    let (_, user, tenant) = scope.filter();
    let raised: Option<OffsetDateTime> = sqlx::query_scalar(AssertSqlSafe(text))
        .bind(user)
        .bind(tenant)
        .bind(actor.as_str())
        .bind(reason.as_str())
        .fetch_optional(connection)
        .await
        .map_err(PgError::doing("raise the session epoch"))?;
    Ok(Some(raised.ok_or(ControlPlaneError::Changed("the tenant"))?))
}

/// Revokes one session; nothing when there is none, false when it was revoked before.
///
/// # Errors
/// When the server does not answer.
pub async fn revoke_session(
    connection: &mut PgConnection,
    jti: &Jti,
    actor: &Actor,
    reason: &Reason,
) -> Result<Option<bool>> {
    let found: Option<(bool,)> = sqlx::query_as(
        "WITH before AS ( \
           SELECT jti, revoked_at FROM control_plane.sessions WHERE jti = $1 FOR UPDATE \
         ), marked AS ( \
           UPDATE control_plane.sessions s SET revoked_at = clock_timestamp(), revoked_by = $2, \
           revoke_reason = $3 FROM before WHERE s.jti = before.jti AND before.revoked_at IS NULL \
         ) SELECT revoked_at IS NULL FROM before",
    )
    .bind(jti.as_str())
    .bind(actor.as_str())
    .bind(reason.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("revoke the session"))?;
    Ok(found.map(|(is_new,)| is_new))
}

/// Returns the tenants a user works in or had sessions in, by id.
///
/// # Errors
/// When the server does not answer.
pub async fn find_tenants_of(connection: &mut PgConnection, user: UserId) -> Result<Vec<TenantId>> {
    let rows: Vec<(Uuid,)> = sqlx::query_as(
        "SELECT tenant_id FROM control_plane.user_mappings WHERE auth_user_id = $1 ORDER BY 1",
    )
    .bind(user.0)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the user's tenants"))?;
    Ok(rows.into_iter().map(|(id,)| TenantId(id)).collect())
}

/// Removes up to `limit` sessions that ran out longer than `keep_seconds` ago; returns how many.
/// Rows that somebody works on are left for the next batch, so nobody waits.
///
/// A session that was revoked by itself stays: no epoch speaks against it, and once forgotten it
/// could come back by a refresh.
///
/// # Errors
/// When the server does not answer.
pub async fn prune_batch(
    connection: &mut PgConnection,
    keep_seconds: i64,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM control_plane.sessions WHERE jti IN (SELECT jti FROM control_plane.sessions \
         WHERE jti IN (SELECT s.jti FROM control_plane.session_states s \
           WHERE s.expires_at < now() - make_interval(secs => $1::double precision) \
           AND s.state <> 'revoked' ORDER BY s.expires_at LIMIT $2) FOR UPDATE SKIP LOCKED)",
    )
    .bind(keep_seconds)
    .bind(limit)
    .execute(connection)
    .await
    .map_err(PgError::doing("prune the sessions"))?;
    Ok(done.rows_affected())
}

/// Counts the sessions that ran out longer than `keep_seconds` ago.
///
/// # Errors
/// When the server does not answer.
pub async fn count_expired(connection: &mut PgConnection, keep_seconds: i64) -> Result<u64> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM control_plane.session_states \
         WHERE expires_at < now() - make_interval(secs => $1::double precision) \
         AND state <> 'revoked'",
    )
    .bind(keep_seconds)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the expired sessions"))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Returns one session of a tenant that was valid under an epoch, if there is one, else one of the
/// newest epoch that has sessions, unless all of those have expired.
///
/// # Errors
/// When the server does not answer.
pub async fn sample_session(
    connection: &mut PgConnection,
    tenant: TenantId,
    epoch: i64,
) -> Result<Option<Jti>> {
    // Both by the first row of an index, and not by looking at every session that was ever revoked.
    let found: Option<String> = sqlx::query_scalar(
        r"SELECT jti FROM (
            (SELECT jti, expires_at, 1 AS rank FROM control_plane.sessions
            WHERE tenant_id = $1 AND tenant_epoch = $2 AND expires_at > now() AND revoked_at IS NULL
            ORDER BY expires_at DESC LIMIT 1)
            UNION ALL
            (SELECT jti, expires_at, 2 FROM control_plane.sessions WHERE tenant_id = $1
            ORDER BY tenant_epoch DESC, expires_at DESC LIMIT 1)
        ) s WHERE expires_at > now() ORDER BY rank LIMIT 1",
    )
    .bind(tenant.0)
    .bind(epoch)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("find a session to probe with"))?;
    Ok(found.and_then(|jti| jti.parse().ok()))
}
