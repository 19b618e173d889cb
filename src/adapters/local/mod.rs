//! The private local Postgres: one server of our own under the data dir, made from the `initdb` and
//! `postgres` programs of an installed Postgres.
//!
//! `commands::local` and `commands::demo` call `LocalServer`; everyone else only reads its
//! `LocalEndpoint`. The room knows nothing of tenants or of the control plane's tables, and never
//! touches a server or a directory it did not make.

mod account;
mod bootstrap;
mod connect;
mod download;
mod error;
mod files;
mod initdb;
mod install;
mod layout;
mod listen;
mod lock;
mod log_tail;
mod process;
mod programs;
mod provide;
mod psql;
mod report;
mod server;
mod start;
mod state;
mod status;
mod stop;

pub(crate) use error::LocalError;
pub(crate) use psql::{Psql, PsqlRun};
pub(crate) use report::{
    LocalDestroyed, LocalDown, LocalEndpoint, LocalEvent, LocalStatus, LocalUp, UpOutcome,
};
pub(crate) use server::LocalServer;
