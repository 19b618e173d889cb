//! Who works in a tenant, by whose word: listed, added, removed.
//!
//! Auth says it with `app_metadata.tenant_id`, an operator with `add`. A removal is an operator's
//! word over both, until `add`.

mod add;
mod error;
mod gate;
mod list;
mod remove;
mod tenant;

pub(crate) use crate::adapters::control_plane::Member;
pub(crate) use add::{AddReport, AddRequest, ClaimSays, add};
pub(crate) use list::{ListReport, ListRequest, list};
pub(crate) use remove::{RemoveReport, RemoveRequest, remove};
