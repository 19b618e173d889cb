//! Sessions: recorded, judged, revoked.
//!
//! The judgement itself is one SQL function in the control plane, so a web backend and this program
//! can never disagree.

mod bans;
mod cut;
mod error;
mod home;
mod issue;
mod layer;
mod lockdown;
mod look;
mod mark;
mod probe;
mod prune;
mod revoke;
mod unlock;

pub use crate::adapters::control_plane::{Session, SessionScope};
pub use error::SessionError;
pub use issue::{IssueReport, IssueRequest, issue};
pub use layer::{LayerReport, LayerVerdict};
pub use lockdown::{LockdownReport, LockdownRequest, lockdown};
pub use look::{ListRequest, check, list, show};
pub use mark::mark;
pub use probe::{ProbeReport, ProbeVerdict};
pub use prune::{PruneReport, PruneRequest, prune};
pub use revoke::{AuthResult, GateResult, RevokeReport, RevokeRequest, Target, revoke};
pub use unlock::{UnlockReport, unlock};
