//! `tenantctl audit …`.

mod dispatch;
mod export;
mod list;
mod verify;

pub(super) use dispatch::run;
