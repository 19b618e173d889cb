//! Migrations and seeds: what is pending, for one tenant or for many, and for the control plane.

mod error;
mod event;
mod fleet;
mod install;
mod lint;
mod one;
mod plan;
mod report;
mod seed;
mod sets;
mod status;

pub use error::MigrationError;
pub use event::FleetEvent;
pub use fleet::{ApplyRequest, apply, select};
pub use install::{InstallReport, install};
pub use one::{Brought, bring_up, raise_gate};
pub use plan::{Divergence, pending};
pub use report::{
    FleetReport, HistoryLine, StatusReport, StatusStanding, TenantResult, TenantStanding,
    TenantVerdict,
};
pub use seed::{Holding, SeedRequest, SeedSet, apply_seeds, find_set, seed_sets};
pub use sets::Sets;
pub use status::{StatusRequest, status};
