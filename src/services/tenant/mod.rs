//! The life of a tenant: created, listed, cut off, brought back, destroyed.
//!
//! Create, delete, restore and purge are sagas; everything that is one statement is one function.

mod create;
mod credential;
mod delete;
mod due;
mod error;
mod life_plan;
mod list;
mod operation;
mod protect;
mod purge;
mod restore;
mod rotate;
mod url;

pub use crate::adapters::control_plane::TenantFilter;
#[cfg(test)]
pub(crate) use crate::adapters::control_plane::{Operation, OperationState, StepRecord};
pub use create::{
    CreateOutcome, CreatePlan, CreateReport, CreateRequest, plan as plan_create, run as create,
};
pub use credential::SecretKey;
pub use delete::{DeleteReport, DeleteRequest, plan as plan_delete, run as delete};
pub use due::{PurgeDueReport, PurgeDueRequest, due, purge_due};
pub use life_plan::LifePlan;
pub use list::{ListReport, ListRequest, ListedTenant, TenantDetails, list, show};
pub use protect::{ProtectReport, ProtectRequest, plan as plan_protect, run as protect};
pub use purge::{
    PurgeReport, PurgeRequest, destroy, plan as plan_purge, plan_destroy, run as purge,
};
pub use restore::{RestoreReport, RestoreRequest, plan as plan_restore, run as restore};
pub use rotate::{RotateRequest, rotate};
pub use url::{AddressReport, address, opened_password};
