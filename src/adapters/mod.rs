//! What we talk to: the control plane, the cluster, Supabase, the private local Postgres.
//!
//! An adapter holds URLs and SQL and turns rows into the model's words. It never imports a service
//! or another adapter; those that speak SQL share `postgres`, those that speak HTTP share `http`, and
//! nothing else is shared.

pub(crate) mod auth_admin;
pub(crate) mod auth_tables;
pub(crate) mod control_plane;
pub(crate) mod http;
pub(crate) mod jwks;
pub(crate) mod local;
pub(crate) mod management;
pub(crate) mod postgres;
pub(crate) mod server;
