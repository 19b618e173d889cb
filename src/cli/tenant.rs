//! `tenantctl tenant`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::table::ListShapeArgs;
use super::values::{grace, line, plan};
use crate::model::{
    Label, LabelChange, ProjectRef, Slug, TenantId, TenantName, TenantRef, TenantStatus,
};

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Create a tenant and its database
    ///
    /// After any failure, run it again: it continues where it stopped and creates nothing twice. If the
    /// tenant exists already, as specified, it says so and succeeds.
    #[command(after_help = "\
Examples:
  tenantctl tenant create acme --name 'Acme Ltd'
  tenantctl tenant create acme --name 'Acme Ltd' --label tier=gold --seed
  tenantctl tenant create acme --name 'Acme Ltd' --dry-run")]
    Create(CreateArgs),
    /// Make an existing database or Supabase project a tenant
    ///
    /// Inspects it first, and refuses one that belongs to another tenant. It gets a login and the gate;
    /// from then on only that login and the operator can connect to it. Its tables stay as they are
    /// until `migrate apply`.
    #[command(after_help = "\
Examples:
  tenantctl tenant adopt acme --name Acme --database acme_production --dry-run
  tenantctl tenant adopt acme --name Acme --database acme --id 7d3c…
  tenantctl tenant adopt acme --name 'Acme Ltd' --database acme --baseline 7
  tenantctl tenant adopt acme --name 'Acme Ltd' --project abcdefghijklmnopqrst")]
    Adopt(AdoptArgs),
    /// List tenants, and whether their databases exist
    ///
    /// Compares the record with the cluster's databases, and with the organization's Supabase projects
    /// if it has any, and marks what exists on one side only: `missing`, or `not recorded`.
    #[command(after_help = "\
Examples:
  tenantctl tenant list
  tenantctl tenant list --status active --label tier=gold
  tenantctl tenant list --search acme -o json
  tenantctl tenant list --recorded       the record alone")]
    List(ListArgs),
    /// Show a tenant and its last operation
    #[command(after_help = "Examples:\n  tenantctl tenant show acme")]
    Show(TenantArgs),
    /// Print the connection string of a tenant's application
    ///
    /// With --reveal it holds the password, for the application's settings. To look at the data use
    /// `tenant connect`: no password stands on a command line then, and the tenant's id is set.
    #[command(after_help = "\
Examples:
  tenantctl tenant url acme
  tenantctl tenant url acme --reveal > acme.url")]
    Url(UrlArgs),
    /// Open psql in a tenant's database
    ///
    /// Connects as the tenant's login, with the tenant's id set, so that its rows are seen; --as
    /// operator acts as the owner of its tables, also while the login is shut. The password stands in a
    /// private file that is gone when psql has ended. Audited with psql's arguments. Exit code 7 when
    /// the connection broke, 8 when psql failed otherwise.
    #[command(after_help = "\
Examples:
  tenantctl tenant connect acme
  tenantctl tenant connect acme -- -c 'select count(*) from vendors'
  tenantctl tenant connect acme --as operator -- -f check.sql")]
    Connect(ConnectArgs),
    /// Give a tenant's login a new password
    ///
    /// The new password is stored sealed if a secret key is configured; otherwise it is printed once and
    /// not kept.
    #[command(after_help = "Examples:\n  tenantctl tenant rotate acme")]
    Rotate(WriteTenantArgs),
    /// Change a tenant's name, plan or labels
    ///
    /// What is not named stays as it is. The slug and the id never change.
    #[command(after_help = "\
Examples:
  tenantctl tenant update acme --name 'Acme Holdings'
  tenantctl tenant update acme --plan pro --label tier=gold --label trial-
  tenantctl tenant update acme --label tier=gold --dry-run")]
    Update(UpdateArgs),
    /// Refuse to delete a tenant until it is unprotected
    #[command(after_help = "Examples:\n  tenantctl tenant protect acme")]
    Protect(WriteTenantArgs),
    /// Allow deleting a tenant again
    #[command(after_help = "Examples:\n  tenantctl tenant unprotect acme")]
    Unprotect(WriteTenantArgs),
    /// Refuse all access to a tenant and keep its data for a grace period
    ///
    /// `tenant restore` brings it back until it is purged. Its sessions are revoked for good.
    #[command(after_help = "\
Examples:
  tenantctl tenant delete acme
  tenantctl tenant delete acme --grace 30d --confirm acme
  tenantctl tenant delete acme --purge --no-backup --confirm acme")]
    Delete(DeleteArgs),
    /// Bring a deleted tenant back
    #[command(after_help = "Examples:\n  tenantctl tenant restore acme")]
    Restore(WriteTenantArgs),
    /// Drop a deleted tenant's database or project for good
    ///
    /// Drops only what is stamped with this tenant's id, and verifies that it is gone.
    #[command(after_help = "\
Examples:
  tenantctl tenant purge acme --no-backup
  tenantctl tenant purge acme --no-backup --confirm acme
  tenantctl tenant purge --due --no-backup --confirm due   all that are due")]
    Purge(PurgeArgs),
}

#[derive(Debug, Args)]
pub struct TenantArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
}

#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// Whom to connect as
    #[arg(long = "as", value_name = "WHO", value_enum, default_value_t)]
    pub as_whom: ConnectChoice,
    /// Arguments for psql, behind `--`
    #[arg(value_name = "PSQL-ARGS", last = true)]
    pub arguments: Vec<OsString>,
}

/// Whom `tenant connect` connects as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ConnectChoice {
    /// The tenant's login
    #[default]
    Login,
    /// The operator, acting as the owner of the tenant's tables
    Operator,
}

#[derive(Debug, Args)]
pub struct WriteTenantArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["name", "plan", "label"])))]
pub struct UpdateArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// Its new name for people
    #[arg(long, value_name = "NAME")]
    pub name: Option<TenantName>,
    /// Plan it is on
    #[arg(long, value_name = "PLAN", value_parser = plan)]
    pub plan: Option<String>,
    /// Label to put on it, or with `-` after its key to take off it (repeatable)
    #[arg(long, value_name = "K=V|K-")]
    pub label: Vec<LabelChange>,
    /// Show what would be changed and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct NewTenantArgs {
    /// The tenant's short name: 2 to 40 of a-z, 0-9 and `-`, starting with a letter
    #[arg(value_name = "SLUG")]
    pub slug: Slug,
    /// Its name for people
    #[arg(long, value_name = "NAME")]
    pub name: TenantName,
    /// Id to use instead of a new one; an id is never used twice
    #[arg(long, value_name = "UUID")]
    pub id: Option<TenantId>,
    /// Plan it is on
    #[arg(long, value_name = "PLAN", value_parser = plan)]
    pub plan: Option<String>,
    /// Label to put on it (repeatable)
    #[arg(long, value_name = "K=V")]
    pub label: Vec<Label>,
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    pub new: NewTenantArgs,
    /// Region to create it in
    #[arg(long, value_name = "REGION", value_parser = plan)]
    pub region: Option<String>,
    /// Create the database and leave its schema empty
    #[arg(long, conflicts_with = "seed")]
    pub no_migrate: bool,
    /// Do not wait for a project to come up; run the same command again to continue
    #[arg(long)]
    pub no_wait: bool,
    /// Apply sample data afterwards
    #[arg(long, value_name = "SET", num_args = 0..=1, require_equals = true, default_missing_value = "demo", value_parser = line)]
    pub seed: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["database", "project"])))]
pub struct AdoptArgs {
    #[command(flatten)]
    pub new: NewTenantArgs,
    /// A database of the cluster
    #[arg(long, value_name = "NAME", value_parser = line)]
    pub database: Option<String>,
    /// A Supabase project, by its ref
    #[arg(long, value_name = "REF")]
    pub project: Option<ProjectRef>,
    /// Record the migrations up to this version as applied, when its catalog is what they make
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub baseline: Option<i64>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub shape: ListShapeArgs,
    /// Only in this status; purged tenants are listed only when asked for
    #[arg(long, value_name = "STATUS")]
    pub status: Option<TenantStatus>,
    /// Only those that are locked down, whatever their status
    #[arg(long)]
    pub locked: bool,
    /// Only on this plan
    #[arg(long, value_name = "PLAN", value_parser = plan)]
    pub plan: Option<String>,
    /// Only with this label (repeatable: with all of them)
    #[arg(long, value_name = "K=V")]
    pub label: Vec<Label>,
    /// Only if slug or name contains this, ignoring case
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub search: Option<String>,
    /// Show the record alone, without asking the cluster or the Management API
    #[arg(long)]
    pub recorded: bool,
}

#[derive(Debug, Args)]
pub struct UrlArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// Print the password instead of ****
    #[arg(long)]
    pub reveal: bool,
}

#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: TenantRef,
    /// How long to keep its data, at least 1h
    #[arg(long, value_name = "DURATION", value_parser = grace, default_value = "7d", conflicts_with = "purge")]
    pub grace: Duration,
    /// Drop its database or project at once
    #[arg(long, requires = "no_backup")]
    pub purge: bool,
    /// Drop it without a backup
    #[arg(long, requires = "purge")]
    pub no_backup: bool,
    /// Confirm by repeating what names the tenant
    #[arg(long, value_name = "TENANT")]
    pub confirm: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["tenant", "due"])))]
pub struct PurgeArgs {
    /// Slug or id of the tenant
    #[arg(value_name = "TENANT")]
    pub tenant: Option<TenantRef>,
    /// Every deleted tenant whose grace is over
    #[arg(long)]
    pub due: bool,
    /// Drop without a backup
    #[arg(long, required = true)]
    pub no_backup: bool,
    /// Confirm by repeating what names the tenant, or `due`
    #[arg(long, value_name = "TENANT")]
    pub confirm: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
