//! Sessions: recorded, judged, revoked.
//!
//! Whether a session is valid is decided by SQL functions of the control plane, so that a web
//! backend and this program never disagree.

mod error;
mod issue;
mod look;
mod prune;
mod revoke;
mod user;

pub(crate) use crate::adapters::control_plane::Session;
pub(crate) use error::SessionError;
pub(crate) use issue::{IssueReport, IssueRequest, issue};
pub(crate) use look::{ListReport, ListRequest, check, list, recent, show};
pub(crate) use prune::{PruneReport, PruneRequest, prune};
#[cfg(test)]
pub(crate) use revoke::GateResult;
pub(crate) use revoke::{AuthResult, RevokeReport, RevokeRequest, Target, revoke};
pub(crate) use user::{UserError, find_user, resolve_user};
