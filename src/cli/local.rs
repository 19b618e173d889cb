//! `tenantctl local`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Start it; create it first if it does not exist
    ///
    /// Uses an installed Postgres 15 or newer, else downloads one, else says what to install. Data
    /// survives `down` and `up`.
    #[command(after_help = "\
Examples:
  tenantctl local up
  tenantctl local up --install     install Postgres if none is found
  TENANTCTL_DATA_DIR=/srv/tenantctl tenantctl local up")]
    Up(LocalUpArgs),
    /// Stop it; its data stays
    #[command(after_help = "Examples:\n  tenantctl local down")]
    Down(LocalDryRunArgs),
    /// Show whether it runs, where, and how large it is
    #[command(after_help = "Examples:\n  tenantctl local status\n  tenantctl local status -o json")]
    Status,
    /// Print its connection string
    #[command(after_help = "\
Examples:
  tenantctl local url
  psql \"$(tenantctl local url --reveal)\"")]
    Url(LocalUrlArgs),
    /// Stop it and remove its data
    #[command(after_help = "Examples:\n  tenantctl local destroy\n  tenantctl local destroy --yes")]
    Destroy(LocalDryRunArgs),
}

#[derive(Debug, Args)]
pub struct LocalDryRunArgs {
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct LocalUpArgs {
    /// Install the system's Postgres package if none is found (root, Debian)
    #[arg(long)]
    pub install: bool,
}

#[derive(Debug, Args)]
pub struct LocalUrlArgs {
    /// Print the password instead of ****
    #[arg(long)]
    pub reveal: bool,
}
