//! `tenantctl seed …`.

mod apply;
mod dispatch;
mod list;

pub(super) use dispatch::run;
