//! One database's migrations, the seed sets, and the control plane's own schema.

mod error;
mod install;
mod lint;
mod one;
mod plan;
mod seeds;
mod sets;

pub use error::MigrationError;
pub use install::{InstallReport, install};
pub use one::{bring_up, inspect, raise_gate};
pub use plan::up_to;
#[cfg(test)]
pub(crate) use seeds::Holding;
pub use seeds::{SeedSet, find_set, seed_sets};
pub use sets::Sets;
