//! What a fleet command tells while it runs.

use super::report::TenantResult;

/// One event of a fleet command; all of them come from one task, so counts and lines agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetEvent {
    /// The selection is known.
    Planned {
        /// How many tenants there are.
        tenants: usize,
        /// How many of them have to be opened.
        to_open: usize,
    },
    /// One tenant is through.
    Finished(TenantResult),
}
