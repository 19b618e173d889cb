//! Supabase Auth's admin API: a user's ban read, set and lifted, and nothing else of it.
//!
//! Used where Auth's tables are out of reach. It has no route that ends a session or finds the
//! users of a tenant (supabase/auth `internal/api/api.go`, read 2026-11).

mod client;
mod error;

pub(crate) use client::{AuthAdmin, BAN, Standing};
pub(crate) use error::AuthAdminError;
