//! `tenantctl migrate …`.

mod apply;
mod dispatch;
mod export;
mod new;
mod status;

pub(super) use dispatch::run;
