//! One file for each subcommand: Args → Request → service → Report → output.
//!
//! A command decides nothing about tenants; it only connects the rooms.

mod arrangement;
mod audit;
mod complete;
mod completions;
mod config;
mod consent;
mod context;
mod demo;
mod dispatch;
mod haste;
mod health;
mod help;
mod init;
mod jwks;
mod local;
mod lockdown;
mod man;
mod member;
mod migration;
mod own_files;
mod profile;
mod query;
mod reach;
mod records;
mod seed;
mod selection;
mod session;
mod tenant;
mod token;
mod unlock;
mod waiting;

pub(crate) use complete::at_tab;
pub(crate) use context::Context;
pub(crate) use dispatch::dispatch;
pub(crate) use help::topic;
pub(crate) use reach::{is_urgent, makes_settings};
