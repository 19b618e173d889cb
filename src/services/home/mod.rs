//! A tenant's home: its database, on the cluster or in a Supabase project of its own, and the way
//! into it.
//!
//! Both come down to a server that is entered over SQL, so a service asks for a tenant's home and
//! does the same on either. Which of the two it is, is asked here and nowhere above.

mod error;
mod evidence;
mod gone;
mod homes;
mod inventory;
mod own_auth;
mod place;
mod project;
mod projects;
mod recorded;
mod remains;
mod renewable;
mod route;
mod scratch;
mod shared;
mod size;
mod world;

#[cfg(test)]
pub(crate) use crate::adapters::server::Contradiction;
pub(crate) use error::HomeError;
pub(crate) use evidence::missing_part;
pub(crate) use homes::{Existing, Homes};
#[cfg(test)]
pub(crate) use inventory::Standing;
pub(crate) use inventory::{Inventory, Presence, Unlooked, Unrecorded};
pub(crate) use own_auth::OwnAuth;
pub(crate) use place::{Awaiting, Entered, Place, Placing, placing_title};
pub(crate) use projects::{Pace, Projects};
pub(crate) use remains::destroying_title;
pub(crate) use renewable::{Away, PATIENCE, RenewableHome};
pub(crate) use world::World;
