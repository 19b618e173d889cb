//! `tenantctl session …`.

mod check;
mod dispatch;
mod issue;
mod list;
mod prune;
mod revoke;
mod show;

pub(super) use dispatch::run;
