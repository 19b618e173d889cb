//! `tenantctl migrate …`.

mod apply;
mod dispatch;
mod status;

pub(super) use dispatch::run;
