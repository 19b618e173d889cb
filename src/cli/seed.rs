//! `tenantctl seed`.

use clap::{Args, Subcommand};

use super::fleet::FleetArgs;
use super::selector::SelectorArgs;
use super::table::ListShapeArgs;
use super::values::line;

#[derive(Debug, Subcommand)]
pub enum SeedCommand {
    /// Apply a seed set
    ///
    /// One transaction for each tenant; files that were applied before are skipped.
    #[command(after_help = "\
Examples:
  tenantctl seed apply --tenant acme
  tenantctl seed apply --all --set demo --dry-run")]
    Apply(SeedApplyArgs),
    /// Show the seed sets and what they hold
    #[command(after_help = "\
Examples:
  tenantctl seed list
  tenantctl seed list --sort rows:desc --limit 3 -o csv")]
    List(SeedListArgs),
}

#[derive(Debug, Args)]
pub struct SeedListArgs {
    #[command(flatten)]
    pub shape: ListShapeArgs,
}

#[derive(Debug, Args)]
pub struct SeedApplyArgs {
    /// The seed set
    #[arg(long, value_name = "SET", default_value = "demo", value_parser = line)]
    pub set: String,
    /// How many tenants at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub fleet: FleetArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}
