//! `tenantctl member`, a file for each subcommand.

mod add;
mod dispatch;
mod list;
mod remove;

pub(crate) use dispatch::run;
