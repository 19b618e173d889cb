//! What the tests stand on: a private server, an operator at the keyboard, and ways to look behind
//! the command's back.
//!
//! Nothing here asserts what a command should do; that is each test's own business.

pub(crate) mod auth;
pub(crate) mod auth_list;
pub(crate) mod claims;
pub(crate) mod deletion;
pub(crate) mod dice;
pub(crate) mod faults;
pub(crate) mod judge;
mod jwks_server;
mod listener;
pub(crate) mod lockdown;
pub(crate) mod management;
pub(crate) mod mint;
mod operator;
mod oracle;
mod pgbouncer;
mod poll;
mod postgres;
pub(crate) mod preload;
pub(crate) mod product;
mod programs;
mod ran;
mod redact;
pub(crate) mod schemas;
mod sql;
mod supabase;
mod terminal;
mod tls_server;
pub(crate) mod tokens;
pub(crate) mod traces;
pub(crate) mod trips;
pub(crate) mod two;
pub(crate) mod worlds;

pub(crate) use auth::{Answer, AuthServer, KEY as AUTH_KEY, Person, Tokens, challenge};
pub(crate) use jwks_server::{JwksServer, Manner};
pub(crate) use operator::{Operator, TenantRow};
pub(crate) use pgbouncer::Pgbouncer;
pub(crate) use poll::{PATIENCE, until};
pub(crate) use postgres::{Server, server};
pub(crate) use programs::find_program;
pub(crate) use ran::{Ran, Running};
pub(crate) use redact::redacted;
pub(crate) use sql::Session;
pub(crate) use terminal::{Terminal, left_on_screen, plain};
pub(crate) use tls_server::TlsServer;

/// Reads a variable of the test process's own environment.
pub(crate) fn environment(name: &str) -> Option<std::ffi::OsString> {
    #[expect(clippy::disallowed_methods, reason = "tests choose their Postgres by the environment")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}
