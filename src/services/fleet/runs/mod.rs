//! Fleet migrations as runs: made once, worked on by any number of processes, continued by whoever
//! comes.
//!
//! What a run's lines say is what is to be done; what was done to a tenant, its own history says.

mod change;
mod course;
mod desk;
mod error;
mod finish;
mod plan;
mod pressure;
mod report;
mod room;
mod settle;
mod told;
mod work;

pub(crate) use change::{
    Change, ChangeReport, ChangeRequest, RunReport, change_run, list_runs, look_at_run, show_run,
};
pub(super) use error::RunError;
pub(super) use finish::finish;
pub(crate) use plan::Limits;
pub(super) use plan::{Plan, Resumed, is_open, make_or_join, resume, some_open};
pub(super) use report::plan_of;
pub(super) use work::Work;
