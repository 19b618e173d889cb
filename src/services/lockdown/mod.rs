//! `lockdown` and `unlock`: access refused at every layer, tried out, and given back.

mod bans;
mod error;
mod layer;
mod layers;
mod lock;
mod plan;
mod probe;
mod request;
mod unlock;

pub use layer::{LayerReport, LayerVerdict};
pub use lock::{LockdownReport, lockdown};
pub use plan::{LockdownPlan, plan_lockdown, plan_unlock};
pub use probe::{ProbeReport, ProbeVerdict};
pub use request::LockdownRequest;
pub use unlock::{UnlockReport, unlock};
