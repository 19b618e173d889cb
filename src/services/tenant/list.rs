//! `tenant list`: what the control plane knows, held against what is there.

use std::collections::HashMap;
use time::OffsetDateTime;

use super::error::TenantError;
use crate::adapters::control_plane::{self, ControlPlane, TenantFilter};
use crate::model::{Patience, Slug, Tenant};
use crate::services::home::{Homes, Inventory, Presence, Unlooked, Unrecorded};

/// How many tenants one query brings: enough to make round trips cheap, few enough for memory to
/// stay flat.
const PAGE: i64 = 1000;

/// Which tenants to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListRequest {
    pub filter: TenantFilter,
    /// Whether projects are looked for even when no tenant is recorded as having one.
    pub expects_projects: bool,
    /// How long the places may take to tell what they hold.
    pub patience: Patience,
}

/// A tenant as recorded, and how that compares with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedTenant {
    pub tenant: Tenant,
    /// What was seen.
    pub presence: Presence,
}

/// What became of a list.
#[derive(Debug)]
pub(crate) struct ListReport {
    /// Ours by stamp or name, and in no tenant's record; looked for in a whole list only.
    pub unrecorded: Vec<Unrecorded>,
    /// What could not be looked at.
    pub unlooked: Vec<Unlooked>,
    /// How many tenants there are, where none of them fit.
    pub of: Option<usize>,
}

/// Hands the tenants over page by page, by slug, each compared with what is at its place; as recorded
/// alone where no places are given.
///
/// # Errors
/// When the control plane does not answer. What taking a page came to is inside. A server that does not
/// answer is none: its tenants are listed as recorded.
pub(crate) async fn list<E>(
    plane: &ControlPlane,
    homes: Option<&Homes>,
    request: &ListRequest,
    mut on_page: impl FnMut(Vec<ListedTenant>) -> Result<(), E>,
) -> Result<Result<ListReport, E>, TenantError> {
    let mut session = plane.session().await?;
    let (began, mut inventory, unlooked) = match homes {
        // What is not compared needs no moment to be compared at.
        None => (OffsetDateTime::UNIX_EPOCH, Inventory::default(), Vec::new()),
        Some(homes) => {
            let start = control_plane::list_begins(&mut session).await?;
            let deadline = request.patience.until();
            let wants_projects = start.has_projects || request.expects_projects;
            let (inventory, unlooked) = homes.inventory(wants_projects, deadline).await;
            (start.began, inventory, unlooked)
        }
    };
    let mut after: Option<(Slug, crate::model::TenantId)> = None;
    loop {
        let from = after.as_ref().map(|(slug, id)| (slug, *id));
        let page = control_plane::list_page(&mut session, &request.filter, from, PAGE).await?;
        let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE;
        after = page.last().map(|tenant| (tenant.slug.clone(), tenant.id)).or(after);
        let listed = page.into_iter().map(|tenant| ListedTenant {
            presence: compare(&mut inventory, &tenant, began),
            tenant,
        });
        if let Err(error) = on_page(listed.collect()) {
            return Ok(Err(error));
        }
        if is_last {
            break;
        }
    }
    let of = match after {
        None if !request.filter.is_everything() => {
            Some(control_plane::count_tenants(&mut session).await?)
        }
        _ => None,
    };
    let mut unrecorded = Vec::new();
    if request.filter.is_everything() {
        unrecorded = inventory.rest();
        let ids: Vec<_> = unrecorded.iter().map(|found| found.tenant_id).collect();
        let known = control_plane::last_changes(&mut session, &ids).await?;
        let known: HashMap<_, _> =
            known.into_iter().map(|change| (change.tenant_id, change.updated_at)).collect();
        // What changed while we looked is no finding.
        unrecorded.retain(|found| known.get(&found.tenant_id.0).is_none_or(|at| *at < began));
    }
    Ok(Ok(ListReport { unrecorded, unlooked, of }))
}

/// Compares one record with what was seen; one that changed since is taken as it is.
fn compare(inventory: &mut Inventory, tenant: &Tenant, began: OffsetDateTime) -> Presence {
    let presence = inventory.claim(tenant);
    if tenant.updated_at >= began && !matches!(presence, Presence::Found(_)) {
        return Presence::Unknown;
    }
    presence
}
