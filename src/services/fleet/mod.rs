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
mod resume;
mod run;
mod runs;
mod seed;
mod select;
mod status;
mod trial;
mod turn;

#[cfg(test)]
pub(crate) use crate::adapters::control_plane::{Run, RunCounts, RunWorker};
pub(crate) use apply::{ApplyRequest, apply};
pub(crate) use cause::Cause;
pub(crate) use event::FleetEvent;
pub(crate) use many::{
    Listener, ManyReport, lockdown_ending, lockdown_many, revoke_many, unlock_many,
};
pub(crate) use query::{QueryReport, QueryRequest, query};
pub(crate) use records::{RecordsRequest, change_histories};
pub(crate) use report::{
    FleetReport, HistoryLine, RunStanding, StatusReport, StatusStanding, TenantResult,
    TenantStanding, TenantVerdict,
};
pub(crate) use resume::{ResumeRequest, resume_run};
pub(crate) use runs::{
    Change, ChangeReport, ChangeRequest, Limits, RunReport, change_run, list_runs, look_at_run,
    show_run,
};
pub(crate) use seed::{SeedRequest, apply_seeds};
pub(crate) use select::select;
pub(crate) use status::{StatusRequest, status};
