//! The audit trail: written by every act, listed, verified, exported.

mod entry;
mod error;
mod trail;

pub(crate) use crate::adapters::control_plane::{AuditOutcome, AuditRow};
#[cfg(test)]
pub(crate) use crate::adapters::control_plane::{ChainBreak, ChainHead};
pub(crate) use entry::{Entry, OpenEntry, has_begun};
pub(crate) use trail::{ListRequest, VerifyReport, export, list, verify};
