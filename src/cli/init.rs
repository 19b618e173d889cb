//! `tenantctl init`.

use clap::Args;

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Show what would be applied and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
