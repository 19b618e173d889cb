//! `tenant list` and `tenant show`: what the control plane knows.

use super::TenantError;
use crate::adapters::control_plane::{self, ControlPlane, Operation, StepRecord, TenantFilter};
use crate::model::{Slug, Tenant};

/// How many tenants one query brings: enough to make round trips cheap, few enough for memory to
/// stay flat.
const PAGE: i64 = 1000;

/// Which tenants to list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// The filter.
    pub filter: TenantFilter,
}

/// A tenant with what was last done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantDetails {
    /// The tenant.
    pub tenant: Tenant,
    /// The last operation, open or not.
    pub operation: Option<Operation>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

/// Hands the tenants over page by page, by slug.
///
/// # Errors
/// When the control plane does not answer, or whoever takes a page cannot.
pub async fn list<E>(
    plane: &ControlPlane,
    request: &ListRequest,
    mut on_page: impl FnMut(Vec<Tenant>) -> Result<(), E>,
) -> Result<Result<(), E>, TenantError> {
    let mut session = plane.session().await?;
    let mut after: Option<(Slug, crate::model::TenantId)> = None;
    loop {
        let from = after.as_ref().map(|(slug, id)| (slug, *id));
        let page = control_plane::list_page(&mut session, &request.filter, from, PAGE).await?;
        let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE;
        after = page.last().map(|tenant| (tenant.slug.clone(), tenant.id));
        if let Err(error) = on_page(page) {
            return Ok(Err(error));
        }
        if is_last {
            return Ok(Ok(()));
        }
    }
}

/// Returns a tenant and what was last done to it; a purged one when nobody has the slug now.
///
/// # Errors
/// When nobody ever had the slug, or the control plane does not answer.
pub async fn show(plane: &ControlPlane, slug: &Slug) -> Result<TenantDetails, TenantError> {
    let mut session = plane.session().await?;
    let tenant = control_plane::find_any(&mut session, slug).await?;
    let tenant = tenant.ok_or_else(|| TenantError::NotFound(slug.to_string()))?;
    let operation = control_plane::latest_operation(&mut session, tenant.id).await?;
    let steps = match &operation {
        Some(operation) => control_plane::steps(&mut session, operation.id).await?,
        None => Vec::new(),
    };
    Ok(TenantDetails { tenant, operation, steps })
}
