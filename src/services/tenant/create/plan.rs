//! What creating or adopting a tenant would do; nothing is changed.

use super::request::CreateRequest;
use super::spec::{check_baseline, check_same};
use super::steps::{RESERVE, steps_of, title_of};
use super::survey;
use crate::adapters::control_plane;
use crate::model::{SchemaState, Tenant, TenantStatus};
use crate::services::home::{Homes, World};
use crate::services::saga::SagaStep;
use crate::services::tenant::error::TenantError;

/// What creating would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CreatePlan {
    /// The tenant, when it exists already.
    pub existing: Option<Tenant>,
    /// The database it would get; nothing while no id is chosen.
    pub database: Option<String>,
    /// The project it would get, for placement `project`.
    pub project: Option<String>,
    /// What was found where something is to be adopted.
    pub found: Option<Vec<String>>,
    /// The steps that would run, by word and title.
    pub steps: Vec<(&'static str, &'static str)>,
    /// Where its schema would stand afterwards.
    pub schema: Option<SchemaState>,
}

/// Returns what creating would do, or what adopting would and what was found there.
///
/// # Errors
/// When the slug or the resource belongs to another tenant, or what is to be adopted does not exist
/// or may not be adopted.
pub(crate) async fn plan(
    world: &World,
    request: &CreateRequest,
) -> Result<CreatePlan, TenantError> {
    check_baseline(request)?;
    let deadline = request.patience.until();
    let plane = &world.plane;
    let existing =
        control_plane::find_live(&mut *plane.session().await?, &request.slug.clone().into())
            .await?;
    if let Some(tenant) = &existing {
        check_same(tenant, request)?;
    }
    let found = match (&request.adopts, &existing) {
        (Some(wanted), None) => Some(survey::look(world, request, wanted, deadline).await?),
        _ => None,
    };
    let id = existing.as_ref().map(|tenant| tenant.id).or(request.id);
    let steps = if existing.as_ref().is_some_and(|it| it.status == TenantStatus::Active) {
        Vec::new()
    } else {
        let rest = steps_of(request).into_iter().map(|step| (step.word(), title_of(step, request)));
        std::iter::once(RESERVE).chain(rest).collect()
    };
    let wanted = request.adopts.as_ref();
    let (database, project) = Homes::planned_names(request.placement, &request.slug, id, wanted);
    let schema = match request.baseline {
        Some(at) => Some(request.sets.state_at(Some(at))),
        None => request.migrates.then(|| request.sets.head()),
    };
    Ok(CreatePlan { existing, database, project, found, steps, schema })
}
