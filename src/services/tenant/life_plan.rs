//! What deleting, restoring or purging a tenant would do.

use crate::model::{Tenant, TenantStatus};
use crate::services::saga::SagaStep;

/// The plan of a change to a tenant's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LifePlan {
    /// The tenant as it is.
    pub tenant: Tenant,
    /// The status it would have afterwards.
    pub status: TenantStatus,
    /// The steps that would run, by word and title.
    pub steps: Vec<(&'static str, &'static str)>,
}

/// Returns steps by word and title.
pub(super) fn titles(steps: &[impl SagaStep]) -> Vec<(&'static str, &'static str)> {
    steps.iter().map(|step| (step.word(), step.title())).collect()
}
