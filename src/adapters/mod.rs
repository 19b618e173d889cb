//! What we talk to: the control plane, the cluster, Supabase, the private local Postgres.
//!
//! An adapter holds URLs and SQL and turns rows into the model's words. It never imports a service
//! or another adapter; those that speak SQL share `postgres`, those that speak HTTP share `http`, and
//! nothing else is shared.

pub mod auth_admin;
pub mod control_plane;
pub mod http;
pub mod jwks;
pub mod local;
pub mod management;
pub mod postgres;
pub mod server;
