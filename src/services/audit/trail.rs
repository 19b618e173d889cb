//! `audit list`, `audit verify` and `audit export`.

use time::OffsetDateTime;

use super::error::AuditError;
use crate::adapters::control_plane::{
    self, AuditFilter, AuditRow, ChainBreak, ChainHead, ControlPlane,
};
use crate::model::TenantRef;

/// How many rows one query of an export brings.
const PAGE: i64 = 1000;

/// Which rows to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    /// Only about this tenant.
    pub tenant: Option<TenantRef>,
    /// Only this action.
    pub action: Option<String>,
    /// Only at or after this instant.
    pub since: Option<OffsetDateTime>,
    /// At most this many, the newest.
    pub limit: i64,
}

/// What walking the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifyReport {
    /// The end of the chain: what to compare with what was noted elsewhere.
    pub head: ChainHead,
    /// The first row that does not fit.
    pub first_break: Option<ChainBreak>,
}

/// Returns the newest rows, newest first.
///
/// # Errors
/// When there is no such tenant, or the control plane does not answer.
pub(crate) async fn list(
    plane: &ControlPlane,
    request: &ListRequest,
) -> Result<Vec<AuditRow>, AuditError> {
    let mut session = plane.session().await?;
    let tenant_id = match &request.tenant {
        None => None,
        Some(named) => {
            let tenant = control_plane::find_any(&mut session, named).await?;
            Some(tenant.ok_or_else(|| AuditError::NoTenant(named.to_string()))?.id)
        }
    };
    let filter = AuditFilter { tenant_id, action: request.action.clone(), since: request.since };
    let window = (0, i64::MAX);
    let rows =
        control_plane::list_audit(&mut session, &filter, window, false, request.limit).await?;
    Ok(rows)
}

/// Hands every row over, oldest first, page by page.
///
/// # Errors
/// When the control plane does not answer; what taking a page came to is inside.
pub(crate) async fn export<E>(
    plane: &ControlPlane,
    mut on_page: impl FnMut(Vec<AuditRow>) -> Result<(), E>,
) -> Result<Result<(), E>, AuditError> {
    let mut session = plane.session().await?;
    let mut after = 0;
    loop {
        let window = (after, i64::MAX);
        let filter = AuditFilter::default();
        let page = control_plane::list_audit(&mut session, &filter, window, true, PAGE).await?;
        let Some(last) = page.last() else { return Ok(Ok(())) };
        after = last.id;
        if let Err(error) = on_page(page) {
            return Ok(Err(error));
        }
    }
}

/// Walks the whole chain.
pub(crate) async fn verify(plane: &ControlPlane) -> Result<VerifyReport, AuditError> {
    let mut session = plane.session().await?;
    let first_break = control_plane::first_break(&mut session).await?;
    let head = control_plane::chain_head(&mut session).await?;
    Ok(VerifyReport { head, first_break })
}
