//! `tenantctl tenant …`.

mod adopt;
mod connect;
mod create;
mod delete;
mod dispatch;
mod list;
mod protect;
mod purge;
mod restore;
mod rotate;
mod show;
mod update;
mod url;

pub(super) use dispatch::run;
