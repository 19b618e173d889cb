//! One act over many tenants: the selection, one verdict each, and how the command ends.
//!
//! `migration` is about one database; this room calls it for each.

mod apply;
mod cause;
mod event;
mod report;
mod run;
mod seed;
mod select;
mod status;

pub use apply::{ApplyRequest, apply};
pub use cause::Cause;
pub use event::FleetEvent;
pub use report::{
    FleetReport, HistoryLine, StatusReport, StatusStanding, TenantResult, TenantStanding,
    TenantVerdict,
};
pub use seed::{SeedRequest, apply_seeds};
pub use status::{StatusRequest, status};
