//! `tenant create` and `tenant adopt`: a tenant is reserved, and then made step by step.

pub(super) mod project;
mod reserve;
mod run;
mod steps;
mod survey;

pub use run::{plan, run};
