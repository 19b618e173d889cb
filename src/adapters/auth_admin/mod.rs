//! Supabase Auth's admin API: a user's ban read, set and lifted, and nothing else of it.
//!
//! It is the second way, for where Auth's tables are out of reach: it offers no route that ends a
//! session or looks a tenant's users up.

mod client;
mod error;

pub use client::{AuthAdmin, BAN, Standing};
pub use error::AuthAdminError;
