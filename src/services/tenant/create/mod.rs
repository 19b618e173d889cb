//! `tenant create` and `tenant adopt`: a tenant is reserved, and then made step by step.

mod make;
mod plan;
mod report;
mod request;
mod reserve;
mod run;
mod spec;
mod steps;
mod survey;

pub(crate) use plan::{CreatePlan, plan};
pub(crate) use report::{CreateOutcome, CreateReport};
pub(crate) use request::CreateRequest;
pub(crate) use run::run;
pub(super) use steps::{RESERVE, STEPS};
