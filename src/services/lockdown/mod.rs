//! `lockdown` and `unlock`: access refused at every layer, tried out, and given back.

mod alone;
mod bans;
mod by_api;
mod error;
mod event;
mod layer;
mod layers;
mod lock;
mod overtaken;
mod own_auth;
mod pass;
mod plan;
mod probe;
mod request;
mod roll;
mod unlock;

pub(crate) use crate::adapters::server::Hole;
pub(crate) use alone::{AloneReport, lockdown_alone};
pub(crate) use error::LockdownError;
pub(crate) use event::{Counted, LockdownEvent};
pub(crate) use layer::{LayerReport, LayerVerdict};
pub(crate) use lock::{LockdownReport, StandIn, begin_lockdown, finish_lockdown, lockdown};
pub(crate) use overtaken::Overtaken;
pub(crate) use plan::{LockdownPlan, plan};
pub(crate) use probe::{ProbeReport, ProbeVerdict};
pub(crate) use request::LockdownRequest;
pub(crate) use roll::{Coming, Roll};
pub(crate) use unlock::{UnlockReport, unlock};
