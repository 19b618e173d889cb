//! `tenantctl` itself, and every command at its first word.

use clap::{Parser, Subcommand};

use super::audit::AuditCommand;
use super::config::{ConfigCommand, ProfileCommand};
use super::global::GlobalArgs;
use super::init::InitArgs;
use super::local::{LocalCommand, LocalUpArgs};
use super::lockdown::{LockArgs, LockdownArgs};
use super::member::MemberCommand;
use super::migration::MigrateCommand;
use super::on_demand::OnDemand;
use super::query::QueryArgs;
use super::seed::SeedCommand;
use super::session::SessionCommand;
use super::shell::{CompletionsArgs, ManArgs};
use super::tenant::TenantCommand;
use super::token::{JwksCommand, TokenCommand};

/// Run the life of your tenants: one database each, from creation to lockdown
#[derive(Debug, Parser)]
#[command(
    name = "tenantctl",
    version,
    propagate_version = false,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  tenantctl demo                                   try everything on this machine
  tenantctl tenant create acme --name 'Acme Ltd'   give a tenant its database
  tenantctl migrate apply --all                    bring every tenant up to date
  tenantctl tenant list -o json | jq .tenants      use it in a script"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything on a private local Postgres, with nothing to configure
    ///
    /// Starts the local Postgres, installs the control plane, creates and seeds the tenant `acme`,
    /// issues a session, revokes it, and leaves everything running for the next command. It can
    /// be run again.
    #[command(after_help = "\
Examples:
  tenantctl demo
  tenantctl demo --install     install Postgres if none is found (root, Debian)")]
    Demo(LocalUpArgs),
    /// Run a private local Postgres
    #[command(subcommand)]
    Local(OnDemand<LocalCommand>),
    /// Install or upgrade the control-plane schema
    ///
    /// Safe to run twice and from two machines at once. A control plane that a newer tenantctl
    /// upgraded is refused.
    #[command(after_help = "\
Examples:
  tenantctl init
  TENANTCTL_CONTROL_PLANE_URL=postgresql://… tenantctl init --dry-run")]
    Init(InitArgs),
    /// Create, list, show and delete tenants
    #[command(subcommand)]
    Tenant(OnDemand<TenantCommand>),
    /// Migrate tenants' databases
    #[command(subcommand)]
    Migrate(OnDemand<MigrateCommand>),
    /// Apply sample data
    #[command(subcommand)]
    Seed(OnDemand<SeedCommand>),
    /// Run one statement that only reads in many tenants
    ///
    /// Shows one table with the tenant as its first column. In each tenant it is a transaction that only
    /// reads, as the role that applications have, with the tenant's id set, and at most --timeout long
    /// (30s). What writes, is more than one statement, or calls a function of Postgres with an effect of
    /// its own is refused; a function of the product's that does so cannot be seen. Locked tenants are
    /// skipped. Audited with the statement. Exit code 9 when some tenants failed.
    #[command(after_help = "\
Examples:
  tenantctl query --all 'SELECT count(*) FROM vendors'
  tenantctl query --label tier=gold --limit 5 'SELECT code, name FROM vendors'
  tenantctl query --tenant acme -o ndjson 'TABLE employees'")]
    Query(QueryArgs),
    /// Issue, check and revoke sessions
    #[command(subcommand)]
    Session(OnDemand<SessionCommand>),
    /// List, add and remove the users who belong to a tenant
    #[command(subcommand)]
    Member(OnDemand<MemberCommand>),
    /// Lock tenants down in an emergency, and prove it
    ///
    /// Refuses existing and new access at every layer: the control plane first, then the gate in the
    /// tenant's database, Supabase Auth where it can be reached, and open connections. Then it tries to
    /// get in as a client would. Exit code 12 when a probe got in or could not be run. It does not ask
    /// for confirmation, and `unlock` undoes it. Of many tenants, all are refused by the control plane
    /// before the rest is cut. `tenant list --locked` shows which are locked, and which were not proved.
    #[command(after_help = "\
Examples:
  tenantctl lockdown acme --reason 'credentials leaked'
  tenantctl lockdown acme globex --reason 'credentials leaked'
  tenantctl lockdown --label tier=gold --reason 'credentials leaked' -o json
  tenantctl lockdown acme --reason leak --without-control-plane")]
    Lockdown(LockdownArgs),
    /// Give locked tenants their access back
    ///
    /// Everything is as it was before the lockdown, but sessions from before stay revoked.
    #[command(after_help = "\
Examples:
  tenantctl unlock acme --reason 'credentials rotated' --yes
  tenantctl unlock --locked --reason 'credentials rotated'")]
    Unlock(LockArgs),
    /// Verify, explain and decode access tokens
    #[command(subcommand)]
    Token(OnDemand<TokenCommand>),
    /// Show, refresh and clear the keys that sign tokens
    #[command(subcommand)]
    Jwks(OnDemand<JwksCommand>),
    /// Read and verify the audit trail
    #[command(subcommand)]
    Audit(OnDemand<AuditCommand>),
    /// Check that everything tenantctl needs can be reached; for monitors
    ///
    /// Exit code 7 when something does not answer, 6 when it rejects the credential, 3 when the control
    /// plane is not installed or has to be upgraded: tenantctl init.
    #[command(after_help = "\
Examples:
  tenantctl health
  tenantctl health -o json | jq .healthy")]
    Health,
    /// Show the settings and where they come from, or write a config file
    #[command(subcommand)]
    Config(OnDemand<ConfigCommand>),
    /// List the profiles of the config files
    #[command(subcommand)]
    Profile(OnDemand<ProfileCommand>),
    /// Print a completion script for a shell
    ///
    /// The script calls tenantctl at each Tab, so that tenants' slugs are completed as well.
    #[command(after_help = "\
Examples:
  tenantctl completions bash > /etc/bash_completion.d/tenantctl
  tenantctl completions zsh > ~/.zfunc/_tenantctl
  tenantctl completions fish > ~/.config/fish/completions/tenantctl.fish
  tenantctl completions powershell >> $PROFILE")]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for every command
    #[command(after_help = "\
Examples:
  tenantctl man > tenantctl.1
  tenantctl man --dir /usr/local/share/man/man1")]
    Man(ManArgs),
}

impl Command {
    /// Returns whether its result is a list of rows, which CSV can hold.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::Tenant(OnDemand(command)) => matches!(command, TenantCommand::List(_)),
            Self::Session(OnDemand(command)) => matches!(command, SessionCommand::List(_)),
            Self::Member(OnDemand(command)) => matches!(command, MemberCommand::List(_)),
            Self::Audit(OnDemand(command)) => matches!(command, AuditCommand::List(_)),
            Self::Seed(OnDemand(command)) => matches!(command, SeedCommand::List(_)),
            Self::Migrate(OnDemand(command)) => matches!(command, MigrateCommand::Status(_)),
            Self::Profile(_) | Self::Health | Self::Query(_) => true,
            _ => false,
        }
    }
}
