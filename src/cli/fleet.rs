//! What commands over several tenants take beside their selector.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// How a command over tenants is reported beside its streams.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// Also write the result to a file as `JUnit` XML, a test case for each tenant
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
}

/// The same, of a command that skips tenants it cannot work on.
#[derive(Debug, Clone, Args)]
pub struct FleetArgs {
    /// Fail when a tenant was skipped, also one that was not named
    #[arg(long)]
    pub fail_on_skipped: bool,
    #[command(flatten)]
    pub record: RecordArgs,
}
