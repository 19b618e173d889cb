//! Many tenants at a time: which ones, what each ends as, what the whole ends as.
//!
//! `migration` knows one database; here is what `--all` adds.

mod apply;
mod event;
mod report;
mod run;
mod seed;
mod select;
mod status;

pub use apply::{ApplyRequest, apply};
pub use event::FleetEvent;
pub use report::{
    FleetReport, HistoryLine, StatusReport, StatusStanding, TenantResult, TenantStanding,
    TenantVerdict,
};
pub use seed::{SeedRequest, apply_seeds};
pub use status::{StatusRequest, status};
