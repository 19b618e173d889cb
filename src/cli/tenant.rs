//! `tenantctl tenant`.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete::tenants;
use super::values::{grace, line, plan};
use crate::model::{Label, ProjectRef, Slug, TenantId, TenantName, TenantStatus};

/// Tenants, one by one.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Create a tenant and its database
    ///
    /// Run it again after anything went wrong: it continues where it stopped and creates nothing
    /// twice. On a tenant that is there as asked for, it says so and succeeds.
    #[command(after_help = "\
Examples:
  tenantctl tenant create acme --name 'Acme Ltd'
  tenantctl tenant create acme --name 'Acme Ltd' --plan pro --label tier=gold --seed
  tenantctl tenant create acme --name 'Acme Ltd' --dry-run")]
    Create(CreateArgs),
    /// Take an existing database or Supabase project in as a tenant
    ///
    /// Looks at it first, and refuses what is another tenant's. It gets a login and the gate, and
    /// from then on nobody but that login and the operator connects to it; its tables stay as they
    /// are until `migrate apply`.
    #[command(after_help = "\
Examples:
  tenantctl tenant adopt acme --name 'Acme Ltd' --database acme_production --dry-run
  tenantctl tenant adopt acme --name Acme --database acme --id 0f8fad5b-d9cb-469f-a165-70867728950e
  tenantctl tenant adopt acme --name 'Acme Ltd' --project abcdefghijklmnopqrst")]
    Adopt(AdoptArgs),
    /// List tenants, and whether their databases are there
    ///
    /// Holds the record against the cluster, and against the organization's Supabase projects where
    /// there are any, and marks what is on one side only: `missing`, or `not recorded`.
    #[command(after_help = "\
Examples:
  tenantctl tenant list
  tenantctl tenant list --status active --label tier=gold
  tenantctl tenant list --search acme -o json
  tenantctl tenant list --recorded                 the record alone, asking nobody else")]
    List(ListArgs),
    /// Show one tenant and what was last done to it
    #[command(after_help = "Examples:\n  tenantctl tenant show acme")]
    Show(SlugArgs),
    /// Print the connection string of a tenant's application
    #[command(after_help = "\
Examples:
  tenantctl tenant url acme
  psql \"$(tenantctl tenant url acme --reveal)\"")]
    Url(UrlArgs),
    /// Give a tenant's login a new password
    ///
    /// The new password is stored sealed when a secret key is configured; without one it is printed
    /// once, here and nowhere else.
    #[command(after_help = "Examples:\n  tenantctl tenant rotate acme")]
    Rotate(WriteSlugArgs),
    /// Refuse to delete a tenant until it is unprotected
    #[command(after_help = "Examples:\n  tenantctl tenant protect acme")]
    Protect(WriteSlugArgs),
    /// Allow deleting a tenant again
    #[command(after_help = "Examples:\n  tenantctl tenant unprotect acme")]
    Unprotect(WriteSlugArgs),
    /// Cut a tenant's access and keep its data for a while
    ///
    /// `tenant restore` brings it back until it is purged. Its sessions are dead at once and stay
    /// so.
    #[command(after_help = "\
Examples:
  tenantctl tenant delete acme
  tenantctl tenant delete acme --grace 30d --confirm acme
  tenantctl tenant delete acme --purge --no-backup --confirm acme")]
    Delete(DeleteArgs),
    /// Bring a deleted tenant back
    #[command(after_help = "Examples:\n  tenantctl tenant restore acme")]
    Restore(WriteSlugArgs),
    /// Destroy a deleted tenant's database for good
    ///
    /// Drops only a database that is stamped as this tenant's, and proves that it is gone.
    #[command(after_help = "\
Examples:
  tenantctl tenant purge acme --no-backup
  tenantctl tenant purge acme --no-backup --confirm acme
  tenantctl tenant purge --due --no-backup --confirm due     every tenant whose grace is over")]
    Purge(PurgeArgs),
}

/// One tenant.
#[derive(Debug, Args)]
pub struct SlugArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Slug,
}

/// One tenant, to be changed.
#[derive(Debug, Args)]
pub struct WriteSlugArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Slug,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What every new tenant is given.
#[derive(Debug, Args)]
pub struct NewTenantArgs {
    /// The tenant's short name: 2 to 40 of a-z, 0-9 and `-`, starting with a letter
    #[arg(value_name = "SLUG")]
    pub slug: Slug,
    /// The name people read
    #[arg(long, value_name = "NAME")]
    pub name: TenantName,
    /// Use this id instead of a new one; no id is ever used twice
    #[arg(long, value_name = "UUID")]
    pub id: Option<TenantId>,
    /// The plan it is on
    #[arg(long, value_name = "PLAN", value_parser = plan)]
    pub plan: Option<String>,
    /// Label it (repeatable)
    #[arg(long, value_name = "K=V")]
    pub label: Vec<Label>,
}

/// A tenant to be created.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The tenant.
    #[command(flatten)]
    pub new: NewTenantArgs,
    /// The region to place it in
    #[arg(long, value_name = "REGION", value_parser = plan)]
    pub region: Option<String>,
    /// Create the database and leave its schema empty
    #[arg(long, conflicts_with = "seed")]
    pub no_migrate: bool,
    /// Do not wait for a project to come up; run the same command again to go on
    #[arg(long)]
    pub no_wait: bool,
    /// Apply sample data afterwards
    #[arg(long, value_name = "SET", num_args = 0..=1, require_equals = true, default_missing_value = "demo", value_parser = line)]
    pub seed: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A database or a project to be taken in.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["database", "project"])))]
pub struct AdoptArgs {
    /// The tenant.
    #[command(flatten)]
    pub new: NewTenantArgs,
    /// A database of the cluster
    #[arg(long, value_name = "NAME", value_parser = line)]
    pub database: Option<String>,
    /// A Supabase project, by its ref
    #[arg(long, value_name = "REF")]
    pub project: Option<ProjectRef>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Which tenants to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only in this status; purged tenants are listed only when asked for
    #[arg(long, value_name = "STATUS")]
    pub status: Option<TenantStatus>,
    /// Only on this plan
    #[arg(long, value_name = "PLAN", value_parser = plan)]
    pub plan: Option<String>,
    /// Only with this label (repeatable: with all of them)
    #[arg(long, value_name = "K=V")]
    pub label: Vec<Label>,
    /// Only where slug or name contain this, case aside
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub search: Option<String>,
    /// Show what is recorded, without looking at cluster and projects
    #[arg(long)]
    pub recorded: bool,
}

/// How a connection string is printed.
#[derive(Debug, Args)]
pub struct UrlArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Slug,
    /// Print the password instead of ****
    #[arg(long)]
    pub reveal: bool,
}

/// A tenant to be cut off.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Slug,
    /// How long its data is kept, at least 1h
    #[arg(long, value_name = "DURATION", value_parser = grace, default_value = "7d", conflicts_with = "purge")]
    pub grace: Duration,
    /// Destroy its database at once
    #[arg(long, requires = "no_backup")]
    pub purge: bool,
    /// Destroy it without a backup
    #[arg(long, requires = "purge")]
    pub no_backup: bool,
    /// Confirm by repeating the slug
    #[arg(long, value_name = "SLUG")]
    pub confirm: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A deleted tenant, or all that are due, to be destroyed.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["slug", "due"])))]
pub struct PurgeArgs {
    /// The tenant
    #[arg(value_name = "SLUG", add = ArgValueCompleter::new(tenants))]
    pub slug: Option<Slug>,
    /// Every deleted tenant whose grace is over
    #[arg(long)]
    pub due: bool,
    /// Destroy without a backup
    #[arg(long, required = true)]
    pub no_backup: bool,
    /// Confirm by repeating the slug, or `due`
    #[arg(long, value_name = "SLUG")]
    pub confirm: Option<String>,
    /// Show what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
