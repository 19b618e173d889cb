//! Where a tenant's database lives, and the way into it: a database of the shared cluster, or a
//! Supabase project of its own.
//!
//! Both come down to a server that is entered over SQL, so whoever works on a tenant asks for its
//! home and does the same on either. It knows no saga and decides nothing about a tenant's life.

mod error;
mod homes;
mod inventory;
mod projects;
mod renewable;
mod route;

pub use error::HomeError;
pub use homes::Homes;
pub use inventory::{Inventory, Presence, Standing, Unlooked, Unrecorded};
pub use projects::{Pace, Projects, Readiness};
pub use renewable::{Away, PATIENCE, RenewableHome, recorded_database};
