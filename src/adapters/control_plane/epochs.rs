//! `control_plane.epochs`: a user's or a tenant's sessions revoked by one number, and why.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ControlPlaneError;
use crate::adapters::postgres::PgError;
use crate::model::{Actor, Jti, Reason, TenantId, UserId};

type Result<T> = std::result::Result<T, ControlPlaneError>;

/// What a revocation covers: the one filter that counting and revoking share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionScope {
    Session(Jti),
    /// Everything of a user, in every tenant.
    User(UserId),
    Tenant(TenantId),
    UserInTenant(UserId, TenantId),
}

impl SessionScope {
    /// Returns JTI, user and tenant, each where it matters.
    pub(super) fn filter(&self) -> (Option<&str>, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Session(jti) => (Some(jti.as_str()), None, None),
            Self::User(user) => (None, Some(user.0), None),
            Self::Tenant(tenant) => (None, None, Some(tenant.0)),
            Self::UserInTenant(user, tenant) => (None, Some(user.0), Some(tenant.0)),
        }
    }
}

/// Revokes everything of a user or a tenant by raising the number in one row, and records who did
/// and why; returns since when older tokens are refused. Of a single session there is no number.
///
/// `clock_timestamp()`, not `now()`: tokens issued while this statement waited for the row must fall
/// under it as well.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn raise_epoch(
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
        // A user who is recorded in no tenant is marked all the same: tokens without a recorded
        // session are judged by that mark.
        SessionScope::User(_) => {
            r"INSERT INTO control_plane.user_marks AS m (auth_user_id, sessions_not_before)
            SELECT $1, clock_timestamp() WHERE $2::uuid IS NULL
            ON CONFLICT (auth_user_id) DO UPDATE SET session_epoch = m.session_epoch + 1,
                sessions_not_before = greatest(m.sessions_not_before, clock_timestamp())"
        }
        SessionScope::UserInTenant(..) => {
            r"INSERT INTO control_plane.user_mappings AS m
                (auth_user_id, tenant_id, session_epoch, sessions_not_before)
            VALUES ($1, $2, 2, clock_timestamp())
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
