//! One file for each subcommand: Args → Request → service → Report → output.
//!
//! A command decides nothing about tenants; it only connects the rooms.

mod audit;
mod complete;
mod completions;
mod consent;
mod context;
mod demo;
mod dispatch;
mod health;
mod init;
mod jwks;
mod local;
mod lockdown;
mod man;
mod migration;
mod seed;
mod selection;
mod session;
mod tenant;
mod token;
mod unlock;

pub use complete::tenants_by_prefix;
pub use context::Context;
pub use dispatch::dispatch;
