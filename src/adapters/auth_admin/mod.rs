//! Supabase Auth's admin API: its users listed, a ban read, set and lifted, and nothing else of it.
//!
//! Used where Auth's tables are out of reach. It has no route that ends a session or finds the
//! users of a tenant (supabase/auth `internal/api/api.go`, read 2026-11).

mod client;
mod error;
mod users;

pub(crate) use client::{AuthAdmin, BAN};
pub(crate) use error::AuthAdminError;
pub(crate) use users::{AuthUser, Claim, UserPage};
