//! Progress events of a fleet command.

use super::report::TenantResult;
use crate::model::TenantNames;

/// All events come from one task, so that counts and lines agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FleetEvent {
    /// The migrations are tried in a clean build, before any tenant gets them.
    Trying,
    /// The tenants are selected; sent once, first.
    Planned {
        tenants: usize,
        /// How many of them need a connection.
        to_open: usize,
    },
    /// A tenant has its turn.
    Started(TenantNames),
    Finished(TenantResult),
}
