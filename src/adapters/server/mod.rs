//! The tenants' own Postgres: databases made, secured, opened, closed and dropped on it.
//!
//! Roles: `tenantctl_owner` owns every tenant's database and everything in it, `tenantctl_app` is
//! the group that holds the application's grants, and each tenant has one login named like its
//! database. The operator who connects here needs CREATEDB and CREATEROLE, and is never a
//! superuser by necessity.

mod access;
mod contradiction;
mod database;
mod drop;
mod error;
mod gate;
mod home;
mod inventory;
mod make;
mod operator;
mod role_names;
mod roles;
mod seed;
mod sets;
mod sql;
mod stamp;
mod survey;
mod sweep;

pub use access::{Access, AccessFlags};
pub use contradiction::Contradiction;
pub use database::TenantDatabase;
pub use error::ServerError;
pub use gate::Denial;
pub use home::Home;
pub use inventory::ListedDatabase;
pub use make::Placed;
pub use operator::Server;
pub use seed::SeedFile;
pub use sets::{domain_set, domain_set_from, gate_set};
pub use stamp::{Identity, Stamp};
pub use survey::Survey;
pub use sweep::{Leftovers, Prepared};
