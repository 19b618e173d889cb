//! What came of a change to a tenant's life.

use std::time::Duration;

use crate::model::{SchemaState, Tenant, TenantStatus};
use crate::services::saga::StepReport;

/// How a tenant came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// This run made it from the beginning.
    Created,
    /// This run finished what an earlier one had begun.
    Continued,
    /// It was there, as asked for.
    AlreadyThere,
    /// What was there before us was taken in.
    Adopted,
}

/// A tenant that is there and works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateReport {
    /// The tenant as recorded.
    pub tenant: Tenant,
    /// How it came to be there.
    pub outcome: CreateOutcome,
    /// What was done.
    pub steps: Vec<StepReport>,
    /// The address applications connect to, the password masked.
    pub url: String,
    /// Whether the application's password is kept, sealed.
    pub is_credential_kept: bool,
    /// The seed set that was applied, if any.
    pub seed: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What creating would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePlan {
    /// The tenant, when it is there already.
    pub existing: Option<Tenant>,
    /// The database it would get; nothing while no id is chosen.
    pub database: Option<String>,
    /// The project it would get, for placement `project`.
    pub project: Option<String>,
    /// What was found where something is to be taken in.
    pub found: Option<Vec<String>>,
    /// The steps that would run, by word and title.
    pub steps: Vec<(&'static str, &'static str)>,
    /// Where its schema would stand afterwards.
    pub schema: Option<SchemaState>,
}

/// What deleting, restoring or purging would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifePlan {
    /// The tenant.
    pub tenant: Tenant,
    /// The status it would have afterwards.
    pub status: TenantStatus,
    /// The steps that would run, by word and title.
    pub steps: Vec<(&'static str, &'static str)>,
}

/// A tenant that is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// Whether it had been deleted before and nothing was left to do.
    pub was_deleted: bool,
    /// What was done.
    pub steps: Vec<StepReport>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A tenant that is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The tenant as recorded now.
    pub tenant: Tenant,
    /// Whether it was not deleted and nothing was to do.
    pub was_there: bool,
    /// What was done.
    pub steps: Vec<StepReport>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A tenant that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeReport {
    /// The tombstone.
    pub tenant: Tenant,
    /// Whether it had been purged before.
    pub was_purged: bool,
    /// What was done.
    pub steps: Vec<StepReport>,
    /// How long it took.
    pub elapsed: Duration,
}
