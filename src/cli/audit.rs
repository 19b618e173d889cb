//! `tenantctl audit`.

use clap::{Args, Subcommand};

use super::values::line;
use crate::model::TenantRef;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List the newest rows, newest first
    #[command(after_help = "\
Examples:
  tenantctl audit list
  tenantctl audit list --tenant acme --limit 20 -o json")]
    List(AuditListArgs),
    /// Verify the hash chain and name the first row that does not match; exit code 10 if there is one
    ///
    /// Store the head that it prints elsewhere: an attacker who can rewrite the whole chain cannot
    /// rewrite that copy.
    #[command(after_help = "Examples:\n  tenantctl audit verify")]
    Verify,
    /// Print every row, oldest first, as JSON lines
    #[command(after_help = "\
Examples:
  tenantctl audit export > audit.ndjson")]
    Export,
}

#[derive(Debug, Args)]
pub struct AuditListArgs {
    /// Only rows about this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantRef>,
    /// Only rows with this action, as in tenant.create
    #[arg(long, value_name = "ACTION", value_parser = line)]
    pub action: Option<String>,
    /// At most this many rows
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}
