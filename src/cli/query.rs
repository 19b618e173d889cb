//! `tenantctl query`.

use clap::Args;

use super::fleet::FleetArgs;
use super::selector::SelectorArgs;

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The statement: one SELECT, WITH, VALUES or TABLE
    #[arg(value_name = "STATEMENT")]
    pub statement: String,
    /// How many rows of each tenant to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
    /// How many tenants at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    #[command(flatten)]
    pub fleet: FleetArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}
