//! `tenantctl session`.

use std::net::IpAddr;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::fleet::RecordArgs;
use super::selector::SelectorArgs;
use super::table::ListShapeArgs;
use super::values::{duration, line, object, ttl};
use crate::model::{Jti, Reason, TenantRef, UserRef};

#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Record a session and print its JTI
    #[command(after_help = "\
Examples:
  tenantctl session issue --user 7d3c… --tenant acme
  tenantctl session issue --user 7d3c… --tenant acme --ttl 15m --device Pixel")]
    Issue(SessionIssueArgs),
    /// List the valid sessions of a user or a tenant, newest first
    #[command(after_help = "\
Examples:
  tenantctl session list --tenant acme
  tenantctl session list --user 7d3c… --all")]
    List(SessionListArgs),
    /// Show a session as recorded
    #[command(after_help = "Examples:\n  tenantctl session show 0198c5…")]
    Show(SessionJtiArgs),
    /// Check whether a session is valid; exit code 0 or 11
    #[command(after_help = "\
Examples:
  tenantctl session check 0198c5…
  tenantctl session check 0198c5… -q && echo still valid")]
    Check(SessionJtiArgs),
    /// Revoke a session, all of a user's, or all in one tenant or many
    ///
    /// In force as soon as the command has committed. --user together with tenants means that user in
    /// those tenants.
    #[command(after_help = "\
Examples:
  tenantctl session revoke --jti 0198c5… --reason 'laptop stolen'
  tenantctl session revoke --user ann@example.com --reason 'left' --yes
  tenantctl session revoke --label tier=gold --reason 'leaked key' --yes
  tenantctl session revoke --tenant acme --reason 'leaked key' --dry-run")]
    Revoke(SessionRevokeArgs),
    /// Remove expired sessions
    ///
    /// Deletes in batches of 10,000, so that no login waits. A removed session counts as unknown, and an
    /// unknown session is never valid. A session that was revoked on its own is kept, so that no
    /// refresh brings it back.
    #[command(after_help = "\
Examples:
  tenantctl session prune
  tenantctl session prune --keep 90d --dry-run")]
    Prune(SessionPruneArgs),
}

#[derive(Debug, Args)]
pub struct SessionIssueArgs {
    /// User it belongs to: a UUID, or where Supabase Auth's tables are beside the control plane, an
    /// e-mail
    #[arg(long, value_name = "USER")]
    pub user: UserRef,
    /// Tenant it is in
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantRef,
    /// Time until it expires
    #[arg(long, value_name = "DURATION", value_parser = ttl, default_value = "1h")]
    pub ttl: Duration,
    /// IP address of the client
    #[arg(long, value_name = "IP")]
    pub ip: Option<IpAddr>,
    /// Device of the client
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub device: Option<String>,
    /// JSON object to store with it, up to 8 KiB
    #[arg(long, value_name = "JSON", value_parser = object, default_value = "{}")]
    pub metadata: serde_json::Value,
    /// Show what would be recorded and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).multiple(true).args(["user", "tenant"])))]
pub struct SessionListArgs {
    #[command(flatten)]
    pub shape: ListShapeArgs,
    /// Sessions of this user, in every tenant: a UUID, or where Supabase Auth's tables are beside the
    /// control plane, an e-mail
    #[arg(long, value_name = "USER")]
    pub user: Option<UserRef>,
    /// Sessions in this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantRef>,
    /// Also sessions that are no longer valid
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct SessionJtiArgs {
    /// The session's id: the token's `jti` claim, else its `session_id`
    #[arg(value_name = "JTI")]
    pub jti: Jti,
}

#[derive(Debug, Args)]
pub struct SessionPruneArgs {
    /// How long to keep sessions after they expire
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30d")]
    pub keep: Duration,
    /// Count what would be removed and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct SessionRevokeArgs {
    /// This session, or under Supabase Auth's `session_id` a whole sign-in
    #[arg(long, value_name = "JTI", conflicts_with_all = ["user", "tenant", "all", "label", "status", "locked", "exclude", "from_file"])]
    pub jti: Option<Jti>,
    /// All sessions of this user, or with a selector those in the selected tenants: a UUID, or where
    /// Supabase Auth's tables are beside the control plane, an e-mail
    #[arg(long, value_name = "USER")]
    pub user: Option<UserRef>,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Count what would be revoked and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub record: RecordArgs,
    // Last, since its help heading holds for every option after it.
    #[command(flatten)]
    pub selector: SelectorArgs,
}
