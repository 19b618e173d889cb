//! `tenantctl jwks …`.

mod clear;
mod dispatch;
mod refresh;
mod show;

pub(super) use dispatch::run;
