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

pub use connect::{Purpose, connect, pool};
pub use endpoint::Endpoint;
pub use error::PgError;
pub use functions::{Functions, InstalledFunctions};
pub use install::install_functions;
pub use lock::{Lock, LockError, LockKey, LockServer, hold_until};
pub use migrate::{
    Applied, History, MigrateError, MigrationSet, NO_TRANSACTION, apply, read_history,
};
pub use quote::{identifier, literal};
pub use row::Reader;
pub(crate) use row::row;
pub use scram::{ScramError, generate_password, scram_matches, scram_verifier};
pub use statements::statement_line;
