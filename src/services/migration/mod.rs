//! One database's migrations, the seed sets, and the control plane's own schema.

mod clean;
mod differences;
mod enums;
mod error;
mod install;
mod lint;
mod one;
mod plan;
mod seeds;
mod sets;

pub(crate) use clean::{CatalogStanding, CleanBuilds};
pub(crate) use error::MigrationError;
pub use install::upgrade_to;
pub(crate) use install::{InstallReport, install};
pub(crate) use one::{bring_up, inspect, raise_gate};
pub(crate) use plan::up_to;
#[cfg(test)]
pub(crate) use seeds::Holding;
pub(crate) use seeds::{SeedSet, find_set, seed_sets};
pub(crate) use sets::Sets;
