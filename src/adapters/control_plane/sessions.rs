//! `control_plane.sessions` and `control_plane.user_mappings`.

use std::net::IpAddr;

use sqlx::postgres::PgConnection;
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

/// What a revocation covers: the one filter that counting, cutting and marking share.
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

/// How many rows a batch marked.
pub type RevokedRows = u64;

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

/// Records a session under the epochs of this moment; nothing when the tenant is not active.
///
/// The tenant's row is locked for the moment of the insert, so that a session and a lockdown never
/// pass each other.
///
/// # Errors
/// When the id is taken or the server does not answer.
pub async fn insert_session(
    connection: &mut PgConnection,
    new: &NewSession,
) -> Result<Option<(OffsetDateTime, OffsetDateTime)>> {
    let recorded: Option<(OffsetDateTime, OffsetDateTime)> = sqlx::query_as(
        "WITH tenant AS ( \
           SELECT tenant_id, session_epoch FROM control_plane.tenant_metadata \
           WHERE tenant_id = $3 AND status = 'active' AND locked_at IS NULL FOR SHARE \
         ), member AS ( \
           INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
           SELECT $2, tenant_id FROM tenant \
           ON CONFLICT (auth_user_id, tenant_id) DO UPDATE SET role = user_mappings.role \
           RETURNING session_epoch \
         ), moment AS (SELECT clock_timestamp() AS at) \
         INSERT INTO control_plane.sessions \
           (jti, user_id, tenant_id, tenant_epoch, user_epoch, issued_at, expires_at, ip, device) \
         SELECT $1, $2, $3, tenant.session_epoch, member.session_epoch, moment.at, \
           moment.at + make_interval(secs => $4::double precision), $5::inet, $6 \
         FROM tenant, member, moment RETURNING issued_at, expires_at",
    )
    .bind(new.jti.as_str())
    .bind(new.user_id.0)
    .bind(new.tenant_id.0)
    .bind(new.ttl_seconds)
    .bind(new.ip.map(|ip| ip.to_string()))
    .bind(&new.device)
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

type SessionRow = (
    String,
    Uuid,
    Uuid,
    String,
    String,
    OffsetDateTime,
    OffsetDateTime,
    Option<OffsetDateTime>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            jti: row.0,
            user_id: row.1,
            tenant_id: row.2,
            tenant: row.3,
            state: row.4,
            issued_at: row.5,
            expires_at: row.6,
            revoked_at: row.7,
            revoked_by: row.8,
            revoke_reason: row.9,
            ip: row.10,
            device: row.11,
        }
    }
}

/// Returns a session with its state; nothing when none was recorded under this id.
///
/// # Errors
/// When the server does not answer.
pub async fn find_session(connection: &mut PgConnection, jti: &Jti) -> Result<Option<Session>> {
    let found: Option<SessionRow> = sqlx::query_as(
        "SELECT s.jti, s.user_id, s.tenant_id, t.slug, control_plane.session_state(s.jti), \
         s.issued_at, s.expires_at, s.revoked_at, s.revoked_by, s.revoke_reason, host(s.ip), \
         s.device FROM control_plane.sessions s \
         JOIN control_plane.tenant_metadata t USING (tenant_id) WHERE s.jti = $1",
    )
    .bind(jti.as_str())
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("look the session up"))?;
    Ok(found.map(Session::from))
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
    let rows: Vec<SessionRow> = sqlx::query_as(
        "SELECT * FROM (SELECT s.jti, s.user_id, s.tenant_id, t.slug, \
         control_plane.session_state(s.jti) AS state, s.issued_at, s.expires_at, s.revoked_at, \
         s.revoked_by, s.revoke_reason, host(s.ip), s.device FROM control_plane.sessions s \
         JOIN control_plane.tenant_metadata t USING (tenant_id) \
         WHERE ($1::uuid IS NULL OR s.user_id = $1) AND ($2::uuid IS NULL OR s.tenant_id = $2)) l \
         WHERE $3 OR l.state = 'valid' ORDER BY l.issued_at DESC, l.jti LIMIT $4",
    )
    .bind(filter.user_id.map(|id| id.0))
    .bind(filter.tenant_id.map(|id| id.0))
    .bind(filter.all)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("list the sessions"))?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Counts the sessions of a scope that are valid now.
///
/// # Errors
/// When the server does not answer.
pub async fn count_live(connection: &mut PgConnection, scope: &SessionScope) -> Result<i64> {
    let (jti, user, tenant) = scope.filter();
    let (count,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM control_plane.sessions s \
         WHERE ($1::text IS NULL OR s.jti = $1) AND ($2::uuid IS NULL OR s.user_id = $2) \
         AND ($3::uuid IS NULL OR s.tenant_id = $3) AND s.revoked_at IS NULL \
         AND s.expires_at > now() AND control_plane.is_session_valid(s.jti)",
    )
    .bind(jti)
    .bind(user)
    .bind(tenant)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the sessions"))?;
    Ok(count)
}

/// Revokes everything of a user or a tenant by raising one number; returns how many epochs rose.
///
/// `clock_timestamp()`, not `now()`: sessions issued while this statement waited for the row must
/// fall under it as well.
///
/// # Errors
/// When the server does not answer.
pub async fn raise_epochs(connection: &mut PgConnection, scope: &SessionScope) -> Result<u64> {
    let (_, user, tenant) = scope.filter();
    let statement = match scope {
        SessionScope::Session(_) => return Ok(0),
        SessionScope::Tenant(_) => {
            "UPDATE control_plane.tenant_metadata SET session_epoch = session_epoch + 1, \
             sessions_not_before = greatest(sessions_not_before, clock_timestamp()) \
             WHERE tenant_id = $2 AND $1::uuid IS NULL"
        }
        // A user whom nobody mapped to a tenant is marked all the same: tokens without a recorded
        // session are judged by that mark.
        SessionScope::User(_) => {
            "WITH marked AS ( \
               INSERT INTO control_plane.user_marks (auth_user_id, sessions_not_before) \
               SELECT $1, clock_timestamp() WHERE $2::uuid IS NULL \
               ON CONFLICT (auth_user_id) DO UPDATE SET sessions_not_before = \
                 greatest(user_marks.sessions_not_before, excluded.sessions_not_before) \
             ) \
             UPDATE control_plane.user_mappings SET session_epoch = session_epoch + 1, \
             sessions_not_before = greatest(sessions_not_before, clock_timestamp()) \
             WHERE auth_user_id = $1"
        }
        SessionScope::UserInTenant(..) => {
            "INSERT INTO control_plane.user_mappings \
             (auth_user_id, tenant_id, session_epoch, sessions_not_before) \
             VALUES ($1, $2, 2, clock_timestamp()) ON CONFLICT (auth_user_id, tenant_id) \
             DO UPDATE SET session_epoch = user_mappings.session_epoch + 1, sessions_not_before = \
               greatest(user_mappings.sessions_not_before, excluded.sessions_not_before)"
        }
    };
    let done = sqlx::query(statement)
        .bind(user)
        .bind(tenant)
        .execute(connection)
        .await
        .map_err(PgError::doing("raise the session epoch"))?;
    Ok(done.rows_affected())
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

/// Marks up to 5,000 rows that an epoch already revoked, for the record; returns how many.
///
/// # Errors
/// When the server does not answer.
pub async fn mark_revoked(
    connection: &mut PgConnection,
    scope: &SessionScope,
    actor: &Actor,
    reason: &Reason,
) -> Result<RevokedRows> {
    let (jti, user, tenant) = scope.filter();
    let done = sqlx::query(
        "UPDATE control_plane.sessions SET revoked_at = clock_timestamp(), revoked_by = $4, \
         revoke_reason = $5 WHERE jti IN (SELECT s.jti FROM control_plane.sessions s \
           WHERE ($1::text IS NULL OR s.jti = $1) AND ($2::uuid IS NULL OR s.user_id = $2) \
           AND ($3::uuid IS NULL OR s.tenant_id = $3) AND s.revoked_at IS NULL \
           AND s.expires_at > now() AND NOT control_plane.is_session_valid(s.jti) \
           LIMIT 5000 FOR UPDATE SKIP LOCKED)",
    )
    .bind(jti)
    .bind(user)
    .bind(tenant)
    .bind(actor.as_str())
    .bind(reason.as_str())
    .execute(connection)
    .await
    .map_err(PgError::doing("mark the revoked sessions"))?;
    Ok(done.rows_affected())
}

/// Returns the tenants a user works in, by id.
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
/// # Errors
/// When the server does not answer.
pub async fn prune_batch(
    connection: &mut PgConnection,
    keep_seconds: i64,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM control_plane.sessions WHERE jti IN (SELECT jti FROM control_plane.sessions \
         WHERE expires_at < now() - make_interval(secs => $1::double precision) \
         ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
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
        "SELECT count(*) FROM control_plane.sessions \
         WHERE expires_at < now() - make_interval(secs => $1::double precision)",
    )
    .bind(keep_seconds)
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("count the expired sessions"))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Returns one session of a tenant that was valid under an epoch, if there is one.
///
/// # Errors
/// When the server does not answer.
pub async fn sample_session(
    connection: &mut PgConnection,
    tenant: TenantId,
    epoch: i64,
) -> Result<Option<Jti>> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT jti FROM control_plane.sessions WHERE tenant_id = $1 AND tenant_epoch = $2 \
         AND revoked_at IS NULL AND expires_at > now() LIMIT 1",
    )
    .bind(tenant.0)
    .bind(epoch)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("find a session to probe with"))?;
    Ok(found.and_then(|(jti,)| jti.parse().ok()))
}
