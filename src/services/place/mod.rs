//! Where a tenant's database lives, and the way into it: a database of the shared cluster, or a
//! Supabase project of its own.
//!
//! Both come down to a server that is entered over SQL, so whoever works on a tenant asks for its
//! home and does the same on either. It knows no saga and decides nothing about a tenant's life.

mod error;
mod inventory;
mod places;
mod projects;
mod reach;

pub use error::PlaceError;
pub use inventory::{Inventory, Presence, Standing, Unlooked, Unrecorded};
pub use places::Places;
pub use projects::{Pace, Projects, Readiness};
