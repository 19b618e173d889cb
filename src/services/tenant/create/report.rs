//! What creating a tenant did.

use std::time::Duration;

use crate::model::Tenant;
use crate::services::saga::StepReport;

/// How a tenant came to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreateOutcome {
    /// This run created it from the beginning.
    Created,
    /// This run finished what an earlier one had begun.
    Continued,
    /// It existed, as asked for.
    AlreadyThere,
    /// It is asked for and not there yet; the same request goes on with it.
    AskedFor,
    /// An existing database or project was adopted.
    Adopted,
}

/// A tenant that exists and works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CreateReport {
    /// The tenant as recorded.
    pub tenant: Tenant,
    /// How it came to exist.
    pub outcome: CreateOutcome,
    pub steps: Vec<StepReport>,
    /// The address applications connect to, the password masked.
    pub url: String,
    /// Whether the application's password is kept, sealed.
    pub is_credential_kept: bool,
    /// The seed set that was applied, if any.
    pub seed: Option<String>,
    pub elapsed: Duration,
}
