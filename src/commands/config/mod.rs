//! `tenantctl config …`.

mod dispatch;
mod init;
mod path;
mod show;

pub(super) use dispatch::run;
