//! `tenantctl local …`.

mod destroy;
mod dispatch;
mod down;
mod status;
mod up;
mod url;

pub(super) use dispatch::run;
pub(super) use up::bring_up;
pub(super) use url::masked;
