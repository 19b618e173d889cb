//! Supabase's Management API: projects made, watched and deleted, and the ways into their databases.
//!
//! Read as published (the pinned document in `tests/data`) and as met in reality: unknown words,
//! missing fields, `null` bodies and any 2xx are understood. It decides nothing about tenants.

mod client;
mod database;
mod error;
mod health;
mod organizations;
mod projects;
mod wire;

pub use client::Management;
pub use error::{ManagementError, Reason};
pub use projects::{ListedProject, NewProject, Phase, Project};
