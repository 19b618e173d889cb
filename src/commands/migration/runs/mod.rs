//! `tenantctl migrate runs …`.

mod change;
mod dispatch;
mod list;
mod show;
mod watch;

pub(super) use dispatch::run;
