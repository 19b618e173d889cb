//! `tenantctl token …`.

mod decode;
mod dispatch;
mod explain;
mod input;
mod verify;

pub(super) use dispatch::run;
