//! `tenantctl migrate …`.

mod apply;
mod dispatch;
mod export;
mod lint;
mod new;
mod records;
mod status;

pub(super) use dispatch::run;
