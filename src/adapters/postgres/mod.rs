//! How we speak to any Postgres: addresses, sessions, locks, passwords and migrations.
//!
//! The `control_plane` and `cluster` adapters build on it. It knows no table of ours but
//! that of locks and the history that a migration set names.

mod apply;
mod blocker;
mod certificate;
mod claim;
mod connect;
mod endpoint;
mod endpoint_error;
mod error;
mod functions;
mod install;
mod life;
mod lock;
mod lock_rows;
mod migrate;
mod migrate_error;
mod pooled;
mod position;
mod quote;
mod reader;
mod row;
mod scram;
mod script;
mod session;
mod source;
mod statements;
mod tls;
mod tokens;
mod tree;
mod waits;
mod watch;
mod watched;

pub(crate) use apply::Files;
pub(crate) use blocker::{Blocker, blocker_of};
pub(crate) use claim::Claim;
pub(crate) use connect::{Purpose, connect, connect_on, pool, refused, seen_process};
pub use endpoint::Endpoint;
pub(crate) use error::{PgError, ServerFault};
pub(crate) use functions::{Functions, InstalledFunctions};
pub(crate) use install::install_functions;
pub(crate) use life::{LifeSign, give_life_sign, lives};
pub(crate) use lock::{Lock, LockError, LockServer, hold_for, hold_until};
pub(crate) use lock_rows::LockTable;
pub(crate) use migrate::{
    Applied, History, Known, MigrationSet, apply, history_of, history_query, read_history,
};
pub(crate) use migrate_error::{MigrateError, MigrationFile, place};
pub(crate) use position::line_and_column;
pub(crate) use quote::{identifier, literal};
pub(crate) use row::Reader;
pub(crate) use row::row;
pub(crate) use scram::{ScramError, generate_password, scram_matches, scram_verifier};
pub(crate) use script::{NO_TRANSACTION, Script, Statement, Unreadable};
pub(crate) use session::Footing;
pub(crate) use source::decode;
pub(crate) use statements::statement_line;
pub(crate) use tree::{ask as ask_tree, on_wide_stack};
pub(crate) use waits::Waits;
pub(crate) use watch::watch;
