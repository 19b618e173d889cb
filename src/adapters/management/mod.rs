//! Supabase's Management API: projects created, watched and deleted, and the ways into their
//! databases.
//!
//! Answers are read as published (the pinned document in `tests/data`) and as recorded: unknown
//! words, missing fields, `null` bodies and any 2xx are accepted. It decides nothing about tenants.

mod client;
mod database;
mod error;
mod health;
mod organizations;
mod projects;
mod wire;

pub use client::Management;
pub use error::{ManagementError, RefusalReason};
pub(crate) use projects::{ListedProject, Project};
pub use projects::{NewProject, Phase};
