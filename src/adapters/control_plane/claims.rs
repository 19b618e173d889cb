//! A whole token's claims, judged: the one question a verdict asks.
//!
//! The judgement is `control_plane.claims_state`, the same that a web backend asks for; beside it
//! stands what it was reached from, and what the server's clock says.

use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use time::OffsetDateTime;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader};
use crate::model::{Jti, SessionState, Slug, TenantId, UserId};

/// What the control plane says of a token's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JudgedClaims {
    /// The moment of the judgement, by the clock that sessions are judged with.
    pub now: OffsetDateTime,
    pub state: SessionState,
    /// Whether the token passes.
    pub passes: bool,
    /// The session the state was reached from, where one was recorded.
    pub session: Option<RecordedSession>,
    /// The tenant that the token names, where there is such a tenant.
    pub tenant: Option<Slug>,
    /// Why that tenant is locked.
    pub lock_reason: Option<String>,
    /// Until when that tenant's unrecorded tokens are revoked.
    pub tenant_mark: Option<OffsetDateTime>,
    /// Until when this user's unrecorded tokens are revoked there.
    pub user_mark: Option<OffsetDateTime>,
    /// When an operator removed the user from that tenant.
    pub removed_at: Option<OffsetDateTime>,
    /// When the session began, by the token's times and Auth's own row.
    pub began: Option<OffsetDateTime>,
}

/// A session that was recorded under one of the token's names for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedSession {
    pub jti: Jti,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub tenant: Slug,
    pub revoke_reason: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for JudgedClaims {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let reader = Reader { table: "sessions", key: "jti", row };
        let session = match reader.parse_optional("jti")? {
            None => None,
            Some(jti) => Some(RecordedSession {
                jti,
                user_id: UserId(reader.get("user_id")?),
                tenant_id: TenantId(reader.get("tenant_id")?),
                tenant: reader.parse("session_tenant")?,
                revoke_reason: reader.get("revoke_reason")?,
            }),
        };
        Ok(Self {
            now: reader.get("now")?,
            state: reader.parse("state")?,
            passes: reader.get("passes")?,
            session,
            tenant: reader.parse_optional("tenant")?,
            lock_reason: reader.get("lock_reason")?,
            tenant_mark: reader.get("tenant_mark")?,
            user_mark: reader.get("user_mark")?,
            removed_at: reader.get("removed_at")?,
            began: reader.get("began")?,
        })
    }
}

/// Of two recorded sessions the one that decides: first one of another user or tenant, then the
/// strictest.
const QUESTION: &str = r"
    SELECT clock_timestamp() AS now, control_plane.claims_state($1) AS state,
        control_plane.are_claims_valid($1) AS passes, t.slug AS tenant, t.lock_reason,
        t.sessions_not_before + c.clock_skew AS tenant_mark,
        greatest(u.sessions_not_before, m.sessions_not_before) + c.clock_skew AS user_mark,
        u.removed_at, to_timestamp(least(control_plane.session_began($1), (
            SELECT a.began FROM control_plane.auth_session(
                control_plane.claim_uuid($1 -> 'session_id')) a))) AS began,
        s.jti, s.user_id, s.tenant_id, s.slug AS session_tenant, s.revoke_reason
    FROM (SELECT control_plane.claim_uuid($1 -> 'app_metadata' -> 'tenant_id') AS tenant,
            control_plane.claim_uuid($1 -> 'sub') AS subject) k
    CROSS JOIN control_plane.settings c
    LEFT JOIN control_plane.tenant_metadata t ON t.tenant_id = k.tenant
    LEFT JOIN control_plane.user_mappings u
        ON u.tenant_id = k.tenant AND u.auth_user_id = k.subject
    LEFT JOIN control_plane.user_marks m ON m.auth_user_id = k.subject
    LEFT JOIN LATERAL (
        SELECT r.jti, r.user_id, r.tenant_id, h.slug, (
            SELECT k.reason FROM control_plane.revocation_of(r.jti) k) AS revoke_reason
        FROM control_plane.session_states r JOIN control_plane.tenant_metadata h USING (tenant_id)
        WHERE r.jti IN ($1 ->> 'jti', $1 ->> 'session_id')
            OR (r.session_id = $1 ->> 'session_id' AND r.tenant_id = k.tenant)
        ORDER BY (r.tenant_id <> k.tenant OR r.user_id <> k.subject) IS TRUE DESC,
            array_position(ARRAY['tenant_locked', 'tenant_revoked', 'not_a_member', 'user_revoked',
                'revoked', 'signed_out', 'expired', 'valid'], r.state) LIMIT 1) s ON true";

/// Returns the judgement on a token's claims, a JSON object, and what it was reached from.
pub(crate) async fn judge_claims(
    connection: &mut PgConnection,
    claims: &serde_json::Value,
) -> Result<JudgedClaims, ControlPlaneError> {
    let judged = sqlx::query_as(QUESTION)
        .bind(Json(claims))
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask for the state of the claims"))?;
    Ok(judged)
}
