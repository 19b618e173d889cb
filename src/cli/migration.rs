//! `tenantctl migrate`.

use clap::{Args, Subcommand};

use super::selector::SelectorArgs;
use super::values::line;

/// Migrations of tenants' databases.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply pending migrations
    ///
    /// Several tenants at a time, one result each; a tenant that fails stays whole at the version
    /// before and stops no other. Running it again does what is left.
    #[command(after_help = "\
Examples:
  tenantctl migrate apply --tenant acme
  tenantctl migrate apply --all --jobs 16
  tenantctl migrate apply --label tier=gold --exclude acme --dry-run
  tenantctl migrate apply --tenant acme,globex --seed")]
    Apply(ApplyArgs),
    /// Show where tenants stand
    ///
    /// Answers from the control plane's record in one query. With --verify the databases are opened
    /// and their own histories compared, checksums included. Exit code 10 when one differs.
    #[command(after_help = "\
Examples:
  tenantctl migrate status
  tenantctl migrate status --tenant acme --verify
  tenantctl migrate status --all --verify -o json")]
    Status(StatusArgs),
}

/// Which migrations, where, and how many at a time.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Stop at this version
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(1..))]
    pub target: Option<i32>,
    /// Apply sample data afterwards
    #[arg(long, value_name = "SET", num_args = 0..=1, require_equals = true, default_missing_value = "demo", value_parser = line)]
    pub seed: Option<String>,
    /// How many tenants at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    // Last, since its heading holds for whatever follows.
    /// Which tenants.
    #[command(flatten)]
    pub selector: SelectorArgs,
}

/// Whose standing to show.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Open the databases and compare their own histories
    #[arg(long)]
    pub verify: bool,
    /// How many databases at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    // Last, since its heading holds for whatever follows.
    /// Which tenants; all when none are chosen.
    #[command(flatten)]
    pub selector: SelectorArgs,
}
