//! The audit trail: read, walked, carried away. Rows are written by whoever acts.

mod error;
mod trail;

pub use crate::adapters::control_plane::AuditRow;
pub use error::AuditError;
pub use trail::{ListRequest, VerifyReport, export, list, verify};
