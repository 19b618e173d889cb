//! `member list`: who belongs to a tenant, who did, and who was removed.

use super::error::MemberError;
use super::tenant::find_tenant;
use crate::adapters::auth_tables;
use crate::adapters::control_plane::{self, ControlPlane, Member};
use crate::model::{TenantNames, TenantRef};

/// How many members are listed at most.
const LIMIT: usize = 10_000;

#[derive(Debug)]
pub(crate) struct ListRequest {
    pub tenant: TenantRef,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListReport {
    pub tenant: TenantNames,
    /// By id.
    pub members: Vec<Member>,
    /// Whether Supabase Auth's users were read; else only who was recorded is here.
    pub is_beside_auth: bool,
    /// Whether there are more than were listed.
    pub has_more: bool,
}

/// Returns the members of a tenant, at most 10,000.
///
/// # Errors
/// When there is no such tenant.
pub(crate) async fn list(
    plane: &ControlPlane,
    request: &ListRequest,
) -> Result<ListReport, MemberError> {
    let mut session = plane.session().await?;
    let tenant = find_tenant(&mut session, &request.tenant).await?;
    let is_beside_auth = auth_tables::sees_auth(&mut session).await?;
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let mut members =
        control_plane::list_members(&mut session, tenant.id, is_beside_auth, limit).await?;
    let has_more = members.len() > LIMIT;
    members.truncate(LIMIT);
    Ok(ListReport { tenant: TenantNames::from(&tenant), members, is_beside_auth, has_more })
}
