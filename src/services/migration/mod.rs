//! One database's migrations, the seed sets, and the control plane's own schema.

mod base;
mod clean;
mod differences;
mod enums;
mod error;
mod exposed;
mod files;
mod install;
mod judge;
mod lint;
mod lint_files;
mod lint_grammar;
mod lint_rules;
mod lint_tenants;
mod lint_waivers;
mod one;
mod plan;
mod reading;
mod records;
mod seeds;
mod sets;
mod shared;
mod template;
mod templates;

pub(crate) use clean::{CatalogStanding, CleanBuilds};
pub(crate) use error::MigrationError;
pub(crate) use exposed::remedy;
pub(crate) use files::{ExportReport, ExportRequest, NewReport, NewRequest, begin, export};
pub use install::upgrade_to;
pub(crate) use install::{InstallReport, install};
pub(crate) use judge::judge;
pub(crate) use lint_files::{LintFinding, LintReport, LintRequest, lint};
pub(crate) use lint_rules::{CHANGES, OFF, REFUSALS, Rule, TENANTS};
pub(crate) use one::{bring_up, inspect, raise_gate};
pub(crate) use plan::up_to;
pub(crate) use reading::read_only;
pub(crate) use records::{RecordsChange, change_records};
#[cfg(test)]
pub(crate) use seeds::Holding;
pub(crate) use seeds::{SeedSet, find_set, seed_sets};
pub(crate) use sets::{OwnMigrations, Sets};
pub(crate) use templates::Template;
