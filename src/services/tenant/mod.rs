//! The life of a tenant: created, listed, cut off, brought back, destroyed.
//!
//! Create, delete, restore and purge are sagas; everything that is one statement is one function.

mod connect;
mod create;
mod credential;
mod delete;
mod due;
mod error;
mod life_plan;
mod list;
mod meant;
mod operation;
mod protect;
mod purge;
mod restore;
mod rotate;
mod show;
mod stakes;
mod update;
mod url;

pub(crate) use crate::adapters::control_plane::TenantFilter;
#[cfg(test)]
pub(crate) use crate::adapters::control_plane::{Operation, OperationState, StepRecord};
pub(crate) use connect::{ConnectAs, ConnectRequest, connect};
pub(crate) use create::{
    CreateOutcome, CreatePlan, CreateReport, CreateRequest, plan as plan_create, run as create,
};
pub(crate) use credential::SecretKey;
pub(crate) use delete::{DeleteReport, DeleteRequest, plan as plan_delete, run as delete};
pub(crate) use due::{DueFailure, PurgeDueReport, PurgeDueRequest, due, purge_due};
pub(crate) use life_plan::LifePlan;
pub(crate) use list::{ListReport, ListRequest, ListedTenant, list};
pub(crate) use meant::meant;
pub(crate) use protect::{ProtectReport, ProtectRequest, plan as plan_protect, run as protect};
pub(crate) use purge::{
    PurgeReport, PurgeRequest, destroy, plan as plan_purge, plan_destroy, run as purge,
};
pub(crate) use restore::{RestoreReport, RestoreRequest, plan as plan_restore, run as restore};
pub(crate) use rotate::{RotateRequest, plan as plan_rotate, rotate};
pub(crate) use show::{TenantDetails, show};
pub(crate) use stakes::{Stakes, stakes};
#[cfg(test)]
pub(crate) use update::PropertyChange;
pub(crate) use update::{UpdateReport, UpdateRequest, run as update};
pub(crate) use url::{AddressReport, Password, address, opened_password};
