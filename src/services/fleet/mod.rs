//! One act over many tenants: the selection, one verdict each, and how the command ends.
//!
//! `migration` is about one database; this room calls it for each.

mod apply;
mod cause;
mod event;
mod many;
mod query;
mod records;
mod report;
mod run;
mod seed;
mod select;
mod status;
mod trial;

pub(crate) use apply::{ApplyRequest, apply};
pub(crate) use cause::Cause;
pub(crate) use event::FleetEvent;
pub(crate) use many::{
    Listener, ManyReport, lockdown_ending, lockdown_many, revoke_many, unlock_many,
};
pub(crate) use query::{QueryReport, QueryRequest, query};
pub(crate) use records::{RecordsRequest, change_histories};
pub(crate) use report::{
    FleetReport, HistoryLine, StatusReport, StatusStanding, TenantResult, TenantStanding,
    TenantVerdict,
};
pub(crate) use seed::{SeedRequest, apply_seeds};
pub(crate) use select::select;
pub(crate) use status::{StatusRequest, status};
