//! How we speak to any Postgres: addresses, sessions, locks, passwords and migrations.
//!
//! The `control_plane` and `cluster` adapters build on it. It knows no table of ours but the
//! history that a migration set names.

mod connect;
mod endpoint;
mod error;
mod functions;
mod install;
mod lock;
mod migrate;
mod position;
mod quote;
mod row;
mod scram;
mod statements;

pub(crate) use connect::{Purpose, connect, pool};
pub use endpoint::Endpoint;
pub(crate) use error::PgError;
pub(crate) use functions::{Functions, InstalledFunctions};
pub(crate) use install::install_functions;
pub use lock::LockKey;
pub(crate) use lock::{Lock, LockError, LockServer, hold_until};
pub(crate) use migrate::{
    Applied, History, MigrateError, MigrationSet, NO_TRANSACTION, apply, read_history,
};
pub(crate) use quote::{identifier, literal};
pub(crate) use row::Reader;
pub(crate) use row::row;
pub(crate) use scram::{ScramError, generate_password, scram_matches, scram_verifier};
pub(crate) use statements::statement_line;
