//! `tenantctl local`.

use clap::{Args, Subcommand};

/// The private local Postgres.
#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Start it, making it first where there is none
    ///
    /// Uses an installed Postgres 15 or newer, downloads one where the network allows, or says what
    /// to install. Data survives `down` and `up`.
    #[command(after_help = "\
Examples:
  tenantctl local up
  tenantctl local up --install     install Postgres with apt-get where there is none
  TENANTCTL_DATA_DIR=/srv/tenantctl tenantctl local up")]
    Up(LocalUpArgs),
    /// Stop it; its data stays
    #[command(after_help = "Examples:\n  tenantctl local down")]
    Down,
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
    Destroy,
}

/// How the server is brought up.
#[derive(Debug, Args)]
pub struct LocalUpArgs {
    /// Install the system's Postgres package where none is found (root, Debian)
    #[arg(long)]
    pub install: bool,
}

/// How the connection string is printed.
#[derive(Debug, Args)]
pub struct LocalUrlArgs {
    /// Print the password instead of ****
    #[arg(long)]
    pub reveal: bool,
}
