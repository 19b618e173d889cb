//! `tenantctl member`.

use clap::{Args, Subcommand};

use super::table::ListShapeArgs;
use super::values::role;
use crate::model::{Reason, TenantRef, UserRef};

#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// List who belongs to a tenant, by whose word, and who was removed
    ///
    /// A user belongs to a tenant by Supabase Auth's word (`app_metadata.tenant_id` names it) or by an
    /// operator's (`member add`). Where Auth's tables are not beside the control plane, only those are
    /// listed who were recorded when they signed in.
    #[command(after_help = "\
Examples:
  tenantctl member list acme
  tenantctl member list acme -o json | jq .members")]
    List(MemberListArgs),
    /// Make a user a member of a tenant
    ///
    /// With the token hook, the user's next token names the tenant, unless `app_metadata.tenant_id` in
    /// Supabase Auth names another one or they are a member of several by an operator's word. It is
    /// also what lets a removed user in again; sessions from before the removal stay dead.
    #[command(after_help = "\
Examples:
  tenantctl member add acme ann@example.com
  tenantctl member add acme 7d3c… --role admin")]
    Add(MemberAddArgs),
    /// Remove a user from a tenant, for good, and prove it
    ///
    /// In force as soon as the command has committed, with or without the token hook: no claim, sign-in,
    /// refresh or `session issue` lets the user in again, only `member add`. It tells the tenant's gate,
    /// takes `app_metadata.tenant_id` away in Supabase Auth where it names this tenant, ends the
    /// sessions there, and then tries a token of theirs. Exit code 8 when something could not be
    /// told, 12 when the token got in.
    #[command(after_help = "\
Examples:
  tenantctl member remove acme ann@example.com --reason 'left the company'
  tenantctl member remove acme 7d3c… --reason 'left the company' --yes -o json")]
    Remove(MemberRemoveArgs),
}

#[derive(Debug, Args)]
pub struct MemberListArgs {
    #[command(flatten)]
    pub shape: ListShapeArgs,
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
}

#[derive(Debug, Args)]
pub struct MemberAddArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// UUID of the user, or where Supabase Auth's tables are beside the control plane, their e-mail
    #[arg(value_name = "USER")]
    pub user: UserRef,
    /// Role to record; `member` for a new one
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub role: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct MemberRemoveArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// UUID of the user, or where Supabase Auth's tables are beside the control plane, their e-mail
    #[arg(value_name = "USER")]
    pub user: UserRef,
    /// Reason recorded in the audit trail
    #[arg(long, value_name = "TEXT")]
    pub reason: Reason,
    /// Count what would be revoked and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
