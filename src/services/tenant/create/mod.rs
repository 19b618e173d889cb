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

pub use plan::{CreatePlan, plan};
pub use report::{CreateOutcome, CreateReport};
pub use request::CreateRequest;
pub use run::run;
