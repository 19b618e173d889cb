//! A tenant's members, from `control_plane.user_mappings` and, where they can be read, Supabase
//! Auth's users.

use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};
use time::OffsetDateTime;

use super::error::ControlPlaneError;
use crate::adapters::postgres::{PgError, Reader};
use crate::model::{MemberBy, MemberState, TenantId, UserId};

/// A user of whom Auth or an operator says, or said, that they belong to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub user_id: UserId,
    /// As Auth has it; none where its users cannot be read.
    pub email: Option<String>,
    /// None of a user whom only Auth's claim names.
    pub role: Option<String>,
    pub by: Option<MemberBy>,
    pub state: MemberState,
    /// When they were first recorded here.
    pub since: Option<OffsetDateTime>,
    pub removed_at: Option<OffsetDateTime>,
}

impl<'r> FromRow<'r, PgRow> for Member {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let reader = Reader { table: "user_mappings", key: "user_id", row };
        Ok(Self {
            user_id: UserId(reader.get("user_id")?),
            email: reader.get("email")?,
            role: reader.get("role")?,
            by: reader.parse_optional("member_by")?,
            state: reader.parse("state")?,
            since: reader.get("since")?,
            removed_at: reader.get("removed_at")?,
        })
    }
}

/// Who is recorded, with nothing of Auth's.
const RECORDED: &str = r"
    SELECT m.auth_user_id AS user_id, NULL::text AS email, m.role, m.member_by,
        CASE WHEN m.removed_at IS NULL THEN 'member' ELSE 'removed' END AS state,
        m.created_at AS since, m.removed_at
    FROM control_plane.user_mappings m
    WHERE m.tenant_id = $1 AND (m.member_by IS NOT NULL OR m.removed_at IS NOT NULL)
    ORDER BY m.auth_user_id LIMIT $2";

/// The claim is Auth's word, so it decides over what was recorded of it.
const BESIDE_AUTH: &str = r"
    SELECT user_id, u.email::text AS email, m.role,
        CASE WHEN u.claim = $1::text THEN coalesce(m.member_by, 'auth') ELSE m.member_by END
            AS member_by,
        CASE WHEN m.removed_at IS NOT NULL THEN 'removed'
            WHEN u.claim = $1::text OR u.id IS NOT NULL AND u.claim IS NULL
                AND m.member_by = 'operator' THEN 'member'
            ELSE 'former' END AS state,
        m.created_at AS since, m.removed_at
    FROM (
        SELECT id AS user_id FROM auth.users WHERE lower(raw_app_meta_data ->> 'tenant_id') = $1::text
        UNION SELECT auth_user_id FROM control_plane.user_mappings
            WHERE tenant_id = $1 AND (member_by IS NOT NULL OR removed_at IS NOT NULL)
        ORDER BY 1 LIMIT $2
    ) named
    LEFT JOIN control_plane.user_mappings m ON m.auth_user_id = user_id AND m.tenant_id = $1
    LEFT JOIN LATERAL (SELECT a.id, a.email, lower(a.raw_app_meta_data ->> 'tenant_id') AS claim
        FROM auth.users a WHERE a.id = user_id AND a.deleted_at IS NULL) u ON true
    ORDER BY user_id";

/// Returns up to `limit` members of a tenant, by id, former and removed ones included.
pub(crate) async fn list_members(
    connection: &mut PgConnection,
    tenant: TenantId,
    is_beside_auth: bool,
    limit: i64,
) -> Result<Vec<Member>, ControlPlaneError> {
    let members = sqlx::query_as(if is_beside_auth { BESIDE_AUTH } else { RECORDED })
        .bind(tenant.0)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(PgError::doing("list the tenant's members"))?;
    Ok(members)
}
