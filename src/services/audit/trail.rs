//! `audit list`, `audit verify` and `audit export`.

use super::error::AuditError;
use crate::adapters::control_plane::{
    self, AuditFilter, AuditOutcome, AuditRow, ChainBreak, ChainHead, ControlPlane,
};
use crate::model::{Moment, TenantRef, UserId};

/// How many rows one query of an export brings.
const PAGE: i64 = 1000;

/// Which rows to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    /// Only about this tenant; by a slug, about every tenant that ever had it.
    pub tenant: Option<TenantRef>,
    /// Only those whose target names this user.
    pub user: Option<UserId>,
    pub actor: Option<String>,
    /// Only this action, as in `tenant.create`.
    pub action: Option<String>,
    pub outcome: Option<AuditOutcome>,
    /// Only at or after this moment.
    pub since: Option<Moment>,
    /// Only before this moment.
    pub until: Option<Moment>,
    /// Both rows of an act, its intent and its outcome, instead of the last one alone.
    pub raw: bool,
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
    let tenants = match &request.tenant {
        None => None,
        Some(named) => {
            let ids = control_plane::ids_ever_named(&mut session, named).await?;
            if ids.is_empty() {
                return Err(AuditError::NoTenant(named.to_string()));
            }
            Some(ids)
        }
    };
    let now = control_plane::now(&mut session).await?;
    let filter = AuditFilter {
        tenants,
        user: request.user,
        actor: request.actor.clone(),
        action: request.action.clone(),
        outcome: request.outcome,
        since: request.since.map(|moment| moment.instant(now)),
        until: request.until.map(|moment| moment.instant(now)),
        by_act: !request.raw,
    };
    let rows = control_plane::list_audit(&mut session, &filter, 0, false, request.limit).await?;
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
        let filter = AuditFilter::default();
        let page = control_plane::list_audit(&mut session, &filter, after, true, PAGE).await?;
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
