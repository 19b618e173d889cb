//! Sessions: recorded, judged, revoked.
//!
//! The judgement itself is one SQL function in the control plane, so a web backend and this program
//! can never disagree.

mod bans;
mod error;
mod home;
mod issue;
mod layer;
mod lockdown;
mod look;
mod probe;
mod prune;
mod revoke;

pub use crate::adapters::control_plane::{Session, SessionScope};
pub use error::SessionError;
pub use issue::{IssueReport, IssueRequest, issue};
pub use layer::{LayerReport, LayerVerdict};
pub use lockdown::{LockdownReport, LockdownRequest, UnlockReport, lockdown, mark, unlock};
pub use look::{ListRequest, check, list, show};
pub use probe::{ProbeReport, ProbeVerdict};
pub use prune::{PruneReport, PruneRequest, prune};
pub use revoke::{AuthResult, GateResult, RevokeReport, RevokeRequest, Target, revoke};
