//! Progress events of a fleet command.

use super::report::TenantResult;
use crate::model::{RunId, TenantNames};

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
    /// It is a run, that this command made or goes on with; sent before everything else.
    Run {
        run: RunId,
        is_joined: bool,
    },
    /// How many tenants at a time from now on, and why it is not as many as asked for.
    Pace {
        jobs: usize,
        why: Option<String>,
    },
    /// A tenant has its turn.
    Started(TenantNames),
    Finished(TenantResult),
    /// Its turn ended for want of room on the servers; it has another one later.
    Postponed(TenantNames),
}
