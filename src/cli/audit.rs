//! `tenantctl audit`.

use clap::{Args, Subcommand};

use super::table::TableArgs;
use super::values::action;
use crate::model::{Act, Actor, Moment, TenantRef, UserRef};

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what was done, newest first
    #[command(after_help = "\
Examples:
  tenantctl audit list
  tenantctl audit list --tenant acme --since 7d
  tenantctl audit list --action tenant.lockdown --outcome failed -o json")]
    List(Box<AuditListArgs>),
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
    #[command(flatten)]
    pub table: TableArgs,
    /// Only about this tenant; by a slug, about every tenant that ever had it
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantRef>,
    /// Only about this user
    #[arg(long, value_name = "USER")]
    pub user: Option<UserRef>,
    /// Only by this actor
    #[arg(long, value_name = "WHO")]
    pub actor: Option<Actor>,
    /// Only this action, as in tenant.create
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub action: Option<Act>,
    /// Only with this outcome; `intent` is what has none yet
    #[arg(long, value_name = "intent|done|failed|unchanged", value_parser = ["intent", "done", "failed", "unchanged"], hide_possible_values = true)]
    pub outcome: Option<String>,
    /// Only since then: an instant, a day, or so long ago
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Only until then
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,
    /// Both rows of each act, the intent and the outcome
    #[arg(long)]
    pub raw: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}
