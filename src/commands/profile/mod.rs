//! `tenantctl profile …`.

mod dispatch;
mod list;

pub(super) use dispatch::run;
