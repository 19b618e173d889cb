//! Sessions: recorded, judged, revoked.
//!
//! The judgement itself is one SQL function in the control plane, so a web backend and this program
//! can never disagree.

mod error;
mod issue;
mod look;
mod prune;
mod revoke;

pub use crate::adapters::control_plane::Session;
pub use issue::{IssueReport, IssueRequest, issue};
pub use look::{ListRequest, check, list, show};
pub use prune::{PruneReport, PruneRequest, prune};
#[cfg(test)]
pub(crate) use revoke::{AuthResult, GateResult};
pub use revoke::{RevokeReport, RevokeRequest, Target, revoke};
