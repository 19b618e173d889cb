//! `tenantctl migrate …`.

mod apply;
mod dispatch;
mod export;
mod lease;
mod lint;
mod new;
mod records;
mod resume;
mod runs;
mod status;

pub(super) use dispatch::run;
