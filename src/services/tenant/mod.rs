//! The life of a tenant: created, listed, cut off, brought back, destroyed.
//!
//! Create, delete, restore and purge are sagas; everything that is one statement is one function.

mod create;
mod credential;
mod delete;
mod error;
mod list;
mod operation;
mod protect;
mod purge;
mod report;
mod request;
mod restore;
mod rotate;
mod trail;

pub use crate::adapters::control_plane::TenantFilter;
pub use create::{plan as plan_create, run as create};
pub use credential::{KeyError, SecretKey};
pub use delete::{plan as plan_delete, run as delete};
pub use error::TenantError;
pub use list::{ListReport, ListRequest, ListedTenant, TenantDetails, list, show};
pub use protect::{ProtectReport, protect};
pub use purge::{destroy, due, plan as plan_purge, plan_destroy, run as purge};
pub use report::{
    CreateOutcome, CreatePlan, CreateReport, DeleteReport, LifePlan, PurgeReport, RestoreReport,
};
pub use request::{CreateRequest, DeleteRequest, Existing, PurgeRequest, RestoreRequest};
pub use restore::run as restore;
pub use rotate::{AddressReport, RotateRequest, address, opened_password, rotate};
