//! The tenants' own Postgres: databases made, secured, opened, closed and dropped on it.
//!
//! Roles: `tenantctl_owner` owns every tenant's database and everything in it, `tenantctl_app` is
//! the group that holds the application's grants, and each tenant has one login named like its
//! database. The operator who connects here needs CREATEDB and CREATEROLE, and is never a
//! superuser by necessity.

mod access;
mod belongings;
mod catalog;
mod contradiction;
mod database;
mod drop;
mod error;
mod exposure;
mod folder;
mod gate;
mod home;
mod inventory;
mod make;
mod operator;
mod own_files;
mod pending;
mod prepared;
mod query;
mod reach;
mod records;
mod role_names;
mod roles;
mod room;
mod seed;
mod seen;
mod sets;
mod shut;
mod sight;
mod size;
mod slots;
mod sql;
mod stamp;
mod standing;
mod supabase;
mod survey;
mod sweep;
mod template;
mod way;

pub(crate) use access::{Access, AccessFlags};
pub(crate) use catalog::{Catalog, CatalogObject, Traits};
pub(crate) use contradiction::Contradiction;
pub(crate) use database::TenantDatabase;
pub(crate) use error::ServerError;
pub(crate) use exposure::Finding;
pub(crate) use gate::{Denial, GateLock};
pub(crate) use home::{Home, Registration};
pub(crate) use inventory::ListedDatabase;
pub(crate) use make::Placed;
pub(crate) use operator::Server;
pub(crate) use own_files::{Standing as FileStanding, add as add_file, look as look_at_file};
pub(crate) use pending::Pending;
pub(crate) use prepared::Prepared;
pub(crate) use query::QueryRow;
pub(crate) use reach::{Hole, Reached};
pub(crate) use seed::{SeedFile, Seeds};
pub(crate) use sets::{domain_set, files_in, gate_set};
pub(crate) use sight::Sight;
pub(crate) use stamp::{Identity, ShutNote, Stamp};
pub(crate) use standing::Standing;
pub(crate) use survey::Survey;
pub(crate) use sweep::Leftovers;
pub(crate) use template::{TemplateName, TemplateStamp, Templates};
